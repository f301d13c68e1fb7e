/** Command lines as Go's cobra and pflag read them, so that a line written for `peer` means here what it means there. */
import type { Command, Option } from 'commander';
import { SelvageError } from '../common/errors.ts';
import { parseBool } from './go-values.ts';

/** Names from the program to the command that is meant: `['chaincode', 'invoke']`. */
export const commandPath = (program: Command, argv: readonly string[]): readonly string[] => find(program, argv).path;

/**
 * The same command line in the form that commander takes for it.
 *
 * Flags may stand before the command, between its words and after them; a word that belongs to no flag is an argument. A flag
 * without value takes one by `=` only; of several the last counts; a text that is empty counts as not given where the flag has no
 * other default.
 *
 * @throws {SelvageError} `SETTING_INVALID` in pflag's words
 * @see Find in spf13/cobra, command.go; parseArgs in spf13/pflag, flag.go
 */
export function readGoCommandLine(program: Command, argv: readonly string[]): readonly string[] {
  const { command, path, words } = find(program, argv);
  const reader = new FlagReader(command, words);
  if (command.commands.length > 0 && words.length === 0) return [...path, '--help']; // there is nothing else to do
  return reader.help ? [...path, '--help'] : [...path, ...reader.flags(), ...reader.operands()];
}

interface Found {
  readonly command: Command;
  readonly path: readonly string[];
  /** What is left without the command's own words. */
  readonly words: readonly string[];
}

function find(program: Command, argv: readonly string[]): Found {
  const words = [...argv];
  const path: string[] = [];
  for (let command = program; ; ) {
    const at = firstOperand(command, words);
    const next = command.commands.find((each) => each.name() === words[at]);
    if (next === undefined) return { command, path, words };
    words.splice(at, 1);
    path.push(next.name());
    command = next;
  }
}

/** Where the first word is that is neither a flag nor the value of one; -1 when there is none. */
function firstOperand(command: Command, words: readonly string[]): number {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') return -1;
    if (!word.startsWith('-')) return at;
    const alone = word.startsWith('--') ? !word.includes('=') : word.length === 2;
    if (alone && !isSwitch(command, word)) at += 1;
  }
  return -1;
}

/** Whether a flag of the command, or of one below it, takes no value. */
const isSwitch = (command: Command, flag: string): boolean =>
  isHelp(flag) ||
  command.options.some((option) => (option.long === flag || option.short === flag) && takesNoValue(option)) ||
  command.commands.some((each) => isSwitch(each, flag));

const isHelp = (flag: string): boolean => flag === '--help' || flag === '-h';

/** Of what commander calls optional, too, the value has to follow a `=`. */
const takesNoValue = (option: Option): boolean => !option.required;

/** Sorts the words of one command into flags and arguments. */
class FlagReader {
  help = false;
  readonly #command: Command;
  readonly #words: string[];
  readonly #operands: string[] = [];
  /** What the flags say, by what they set; of a list all that was said. */
  readonly #said = new Map<string, string[]>();

  constructor(command: Command, words: readonly string[]) {
    this.#command = command;
    this.#words = [...words];
    while (this.#words.length > 0 && !this.help) this.#next();
  }

  flags(): string[] {
    return [...this.#said.values()].flat();
  }

  /** Behind `--` where one of them could be taken for a flag. */
  operands(): string[] {
    return this.#operands.some((word) => word.startsWith('-')) ? ['--', ...this.#operands] : this.#operands;
  }

  #next(): void {
    const word = this.#words.shift() ?? '';
    if (word === '--') this.#operands.push(...this.#words.splice(0));
    else if (word.startsWith('--')) this.#long(word);
    else if (word.startsWith('-') && word.length > 1) this.#short(word.slice(1), word);
    else this.#operands.push(word);
  }

  #long(word: string): void {
    const [, name = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === '' || name.startsWith('-')) throw wrong(`bad flag syntax: ${word}`);
    const option = this.#command.options.find(({ long }) => long === `--${name}`);
    if (option !== undefined) this.#take(option, value, `--${name}`);
    else if (name === 'help') this.help = true;
    else throw unknown(`unknown flag: --${name}`, this.#command);
  }

  /** One or more flags of one letter; the first that takes a value takes the rest. */
  #short(letters: string, word: string): void {
    const letter = letters.slice(0, 1);
    const rest = letters.slice(1);
    const option = this.#command.options.find(({ short }) => short === `-${letter}`);
    if (option === undefined && letter === 'h') this.help = true;
    else if (option === undefined) throw unknown(`unknown shorthand flag: '${letter}' in ${word}`, this.#command);
    else if (rest.startsWith('=') && rest.length > 1) this.#take(option, rest.slice(1), `'${letter}' in ${word}`);
    else if (takesNoValue(option)) {
      this.#take(option, undefined, `'${letter}' in ${word}`);
      if (rest !== '') this.#short(rest, word);
    } else this.#take(option, rest === '' ? undefined : rest, `'${letter}' in ${word}`);
  }

  #take(option: Option, given: string | undefined, named: string): void {
    if (option.isBoolean() || option.negate) this.#switch(option, given);
    else if (given === undefined && option.optional) this.#say(option, option.long ?? '');
    else {
      const value = given ?? this.#words.shift();
      if (value === undefined) throw wrong(`flag needs an argument: ${named}`);
      if (value === '' && option.parseArg === undefined && (option.defaultValue ?? '') === '') this.#said.delete(option.attributeName());
      else this.#say(option, `${option.long}=${value}`);
    }
  }

  /** What is off by default and switched off is left out; what is on has a flag of its own for that. */
  #switch(option: Option, given = 'true'): void {
    const on = parseBool(given);
    if (on === undefined) throw invalid(given, option, `strconv.ParseBool: parsing ${JSON.stringify(given)}: invalid syntax`);
    const other = this.#command.options.find((each) => each.long === `--no-${option.name()}`);
    if (on) this.#say(option, option.long ?? '');
    else if (other !== undefined) this.#say(other, other.long ?? '');
    else this.#said.delete(option.attributeName());
  }

  #say(option: Option, text: string): void {
    const key = option.attributeName();
    const before = isList(option) ? (this.#said.get(key) ?? []) : [];
    this.#said.set(key, [...before, text]);
  }
}

/** Flags that may be given several times are those whose parser is told what came before. */
const isList = ({ parseArg }: Option): boolean => parseArg !== undefined && parseArg.length > 1;

const wrong = (message: string): SelvageError => new SelvageError('SETTING_INVALID', message);

const unknown = (message: string, command: Command): SelvageError =>
  new SelvageError('SETTING_INVALID', message, { advice: `See what it takes: ${nameOf(command)} --help` });

const nameOf = (command: Command): string => (command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`);

/** A flag whose value does not parse, as pflag says it. */
export function invalid(value: string, option: Pick<Option, 'short' | 'long'>, reason: string): SelvageError {
  const name = option.short === undefined ? (option.long ?? '') : `${option.short}, ${option.long ?? ''}`;
  return wrong(`invalid argument ${JSON.stringify(value)} for "${name}" flag: ${reason}`);
}
