import { describe, expect, it } from 'vitest';
import { readGoCommandLine } from './go-flags.ts';
import { buildProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

const program = buildProgram({ out: () => undefined, say: () => undefined } as unknown as Terminal);
const read = (...argv: readonly string[]) => readGoCommandLine(program, argv);
const refusal = (...argv: readonly string[]): string => {
  try {
    return read(...argv).join(' ');
  } catch (thrown) {
    return String(thrown);
  }
};

describe('a command line for peer', () => {
  it('may have its flags before, between and behind the words of the command', () => {
    const expected = ['chaincode', 'invoke', '--orderer=a:1', '--tls', '--channelID=c'];
    expect(read('chaincode', 'invoke', '-o', 'a:1', '--tls', '-C', 'c')).toEqual(expected);
    expect(read('chaincode', '-o', 'a:1', '--tls', 'invoke', '-C', 'c')).toEqual(expected);
    expect(read('-o', 'a:1', 'chaincode', '--tls', '-Cc', 'invoke')).toEqual([
      'chaincode',
      'invoke',
      '--orderer=a:1',
      '--tls',
      '--channelID=c',
    ]);
    expect(read('lifecycle', '-n', 'chaincode', 'chaincode', 'commit')).toEqual(['lifecycle', 'chaincode', 'commit', '--name=chaincode']);
  });

  it('gives a flag its value in every way of Go', () => {
    const value = (...argv: readonly string[]) => read('chaincode', 'query', ...argv).at(-1);
    for (const argv of [['--name', 'kv'], ['--name=kv'], ['-n', 'kv'], ['-nkv'], ['-n=kv']]) expect(value(...argv)).toBe('--name=kv');
    expect(value('-c', '-1')).toBe('--ctor=-1');
    expect(value('-c', '--')).toBe('--ctor=--');
    expect(value('--ctor={"Args":["a=b"]}')).toBe('--ctor={"Args":["a=b"]}');
    expect(read('chaincode', 'query', '-rxnkv')).toEqual(['chaincode', 'query', '--raw', '--hex', '--name=kv']);
  });

  it('leaves the word behind a flag without value among the arguments', () => {
    expect(read('chaincode', 'invoke', '--tls', 'true', '-C', 'c')).toEqual(['chaincode', 'invoke', '--tls', '--channelID=c', 'true']);
    expect(read('channel', 'fetch', '--tls', 'newest', 'out')).toEqual(['channel', 'fetch', '--tls', 'newest', 'out']);
    expect(read('channel', 'fetch', '--', '-1', '--tls')).toEqual(['channel', 'fetch', '--', '-1', '--tls']);
  });

  it('switches flags on and off with every truth of Go', () => {
    const tls = (value: string) => read('chaincode', 'invoke', `--tls=${value}`).includes('--tls');
    for (const value of ['1', 't', 'T', 'true', 'TRUE', 'True']) expect(tls(value)).toBe(true);
    for (const value of ['0', 'f', 'F', 'false', 'FALSE', 'False']) expect(tls(value)).toBe(false);
    expect(read('chaincode', 'invoke', '-I=false')).toEqual(['chaincode', 'invoke']);
    expect(read('lifecycle', 'chaincode', 'commit', '--waitForEvent=false')).toEqual([
      'lifecycle',
      'chaincode',
      'commit',
      '--no-waitForEvent',
    ]);
    expect(read('dev', '--no-tls=false', '--watch=0')).toEqual(['dev', '--no-watch']);
  });

  it('has the last word of a flag that is repeated, and every one of a list', () => {
    expect(read('chaincode', 'invoke', '-o', 'a:1', '-o', 'b:2', '--tls', '--tls=false')).toEqual(['chaincode', 'invoke', '--orderer=b:2']);
    const lists = ['--peerAddresses', 'a:1,b:2', '--peerAddresses', '', '--tlsRootCertFiles', '"x,y"'];
    expect(read('chaincode', 'invoke', ...lists).slice(2)).toEqual([
      '--peerAddresses=a:1,b:2',
      '--peerAddresses=',
      '--tlsRootCertFiles="x,y"',
    ]);
  });

  it('takes an empty text for a flag that was not given, unless it has another default', () => {
    expect(read('chaincode', 'instantiate', '--orderer', '', '--policy', '', '-o', '')).toEqual(['chaincode', 'instantiate']);
    expect(read('chaincode', 'invoke', '-o', 'a:1', '--orderer=')).toEqual(['chaincode', 'invoke']);
    expect(read('chaincode', 'query', '-c', '')).toEqual(['chaincode', 'query', '--ctor=']);
  });

  it('shows what there is where it names a group of commands alone', () => {
    for (const path of [[], ['chaincode'], ['lifecycle'], ['lifecycle', 'chaincode'], ['snapshot']])
      expect(read(...path)).toEqual([...path, '--help']);
    expect(read('chaincode', 'nonsense')).toEqual(['chaincode', 'nonsense']);
  });

  it('asks for help anywhere', () => {
    expect(read('channel', '--help', 'fetch')).toEqual(['channel', 'fetch', '--help']);
    expect(read('channel', 'fetch', '-h', '--nonsense')).toEqual(['channel', 'fetch', '--help']);
  });

  it.each([
    [['chaincode', 'query', '--nonsense'], 'unknown flag: --nonsense'],
    [['chaincode', 'query', '-z'], "unknown shorthand flag: 'z' in -z"],
    [['chaincode', 'query', '-rz'], "unknown shorthand flag: 'z' in -rz"],
    [['chaincode', 'query', '-name', 'kv', 'x'], "unknown shorthand flag: 'a'", 'never'],
    [['chaincode', 'query', '--name'], 'flag needs an argument: --name'],
    [['chaincode', 'query', '-n'], "flag needs an argument: 'n' in -n"],
    [['chaincode', 'query', '--=x'], 'bad flag syntax: --=x'],
    [['chaincode', 'query', '---x'], 'bad flag syntax: ---x'],
    [['chaincode', 'invoke', '--tls=yes'], 'invalid argument "yes" for "--tls" flag: strconv.ParseBool: parsing "yes": invalid syntax'],
    [['chaincode', 'invoke', '-I=2'], 'invalid argument "2" for "-I, --isInit" flag: strconv.ParseBool: parsing "2": invalid syntax'],
  ])('%j is refused in the words of pflag', (argv, message, when = 'always') => {
    if (when === 'never')
      expect(refusal(...argv)).toContain('--name=ame'); // -n takes the rest, as in pflag
    else expect(refusal(...argv)).toBe(`SelvageError: ${message}`);
  });
});
