/**
 * What each character adds to a sort key, found out from the collator of this Node.js itself: so keys order as the comparisons of queries
 * do, and no tables of Unicode are shipped. Characters whose weights cannot be told so (expansions, contractions, marks that stand
 * alone) are left out; strings with them have no key.
 */
const compareBy = (sensitivity: 'base' | 'accent' | 'variant') => new Intl.Collator('en', { sensitivity }).compare;
const [byBase, byAccent, byVariant] = [compareBy('base'), compareBy('accent'), compareBy('variant')];

/** Which collation keys were made by: keys of another one are made again. */
export const COLLATION_VERSION: string = `1/${process.versions['icu'] ?? ''}/${process.versions['unicode'] ?? ''}`;

/** Blocks whose letters, digits and signs are looked at. */
const BLOCKS: readonly (readonly [number, number])[] = [
  [0x0000, 0x024f], // Latin
  [0x0370, 0x052f], // Greek, Cyrillic
  [0x0531, 0x0556], // Armenian
  [0x0561, 0x0586],
  [0x05d0, 0x05ea], // Hebrew
  [0x0621, 0x064a], // Arabic
  [0x10d0, 0x10ff], // Georgian
  [0x1100, 0x1112], // Hangul, its parts
  [0x1161, 0x1175],
  [0x11a8, 0x11c2],
  [0x1e00, 0x1eff], // Latin, Vietnamese
  [0x2010, 0x2027], // punctuation
  [0x2030, 0x205e],
  [0x20a0, 0x20a6], // currencies
  [0x20a9, 0x20bf],
  [0x2100, 0x22ff], // letter-like signs, arrows, mathematics
  [0x3001, 0x303e], // Japanese
  [0x3041, 0x3096],
  [0x30a1, 0x30fb],
  [0x4e00, 0x9fff], // Han
];
const MARKS: readonly [number, number] = [0x0300, 0x0345];
const LAST_ASCII = 0x7f;
/** Never part of a key: marks, and what has no meaning or another one in each context. */
const DIFFICULT = /[\p{M}\p{Cn}\p{Cs}\p{Co}]/u;
/** Above every character. */
const HIGHEST = '\uffff'.repeat(3);
/** Ends ranges of beginnings. */
const MAXIMUM: readonly [string, Weights] = ['\uffff', { primary: '\xff', secondary: '\x01', tertiary: '\x01' }];

/** Levels of a key, each a string of bytes (one character each), compared one after the other. */
export interface Weights {
  readonly primary: string;
  /** Of the character and of its marks: {@link COMMON} is the least. */
  readonly secondary: string;
  readonly tertiary: string;
}

/** The weight of a plain letter on the second and third level. */
export const COMMON = '\x01';
/** Lower than every weight: ends a level. */
export const LEVEL_END = '\0';

const IGNORED: Weights = { primary: '', secondary: '', tertiary: '' };

type Table = ReadonlyMap<string, Weights>;

/** Characters that differ in accents, case or form alone, the plainest first. */
type Group = readonly string[];

/** Weights by character. */
export function collationTable(): Table {
  const characters = BLOCKS.flatMap(([from, to]) => charactersOf(from, to)).filter((each) => !DIFFICULT.test(each));
  const table = new Map<string, Weights>([MAXIMUM]);
  for (const each of characters) if (byVariant(each, '') === 0) table.set(each, IGNORED);
  const marks = markWeights();
  const atoms = characters.filter((each) => !table.has(each) && !isAccented(each));
  const codes = primaryCodes(singles(atoms));
  for (const [group, primary] of codes) for (const [member, weights] of groupWeights(group, primary, marks)) table.set(member, weights);
  for (const each of [...characters.filter(isAccented), ...charactersOf(0xac00, 0xd7a3)]) {
    const weights = composed(each, table, marks);
    if (weights !== undefined) table.set(each, weights);
  }
  return table;
}

const charactersOf = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at));

/** Whether it sorts as a letter with marks; some that can be written so are letters of their own. */
function isAccented(character: string): boolean {
  const [letter = ''] = character.normalize('NFD');
  return letter !== character && byBase(letter, character) === 0;
}

/** Groups that have one primary weight of their own, in order: what sorts between a character and that with more behind it is several. */
function singles(atoms: readonly string[]): readonly Group[] {
  const sorted = [...atoms].sort((a, b) => byBase(a, b) || byVariant(a, b) || (a < b ? -1 : 1));
  const groups: string[][] = [];
  for (const each of sorted) {
    const group = groups.at(-1);
    if (group?.[0] !== undefined && byBase(group[0], each) === 0) group.push(each);
    else groups.push([each]);
  }
  let last = '';
  return groups.filter(([first = '']) => {
    const single = last === '' || byBase(first, `${last}${HIGHEST}`) > 0;
    if (single) last = first;
    return single;
  });
}

/** One byte for what ASCII has, three for what lies between: an order that stays when there is more between. */
function primaryCodes(groups: readonly Group[]): ReadonlyMap<Group, string> {
  const codes = new Map<Group, string>();
  let lead = 3;
  for (const [rank, group] of groups.entries()) {
    const ascii = group.some((each) => each.charCodeAt(0) <= LAST_ASCII);
    codes.set(group, ascii ? byte(lead + 1) : byte(lead) + byte(rank >> 8) + byte(rank & 0xff));
    if (ascii) lead += 2;
  }
  return codes;
}

const byte = (value: number): string => String.fromCharCode(value);

/** Weights of marks by the mark, from the plainest on. */
function markWeights(): ReadonlyMap<string, string> {
  const sorted = charactersOf(...MARKS)
    .filter((mark) => byAccent(`a${mark}`, 'a') > 0 && byBase(`a${mark}`, 'a') === 0)
    .sort((a, b) => byAccent(`a${a}`, `a${b}`));
  const weights = new Map<string, string>();
  let [rank, before] = [1, ''];
  for (const mark of sorted) {
    if (before === '' || byAccent(`a${before}`, `a${mark}`) !== 0) rank += 1;
    weights.set(mark, byte(rank));
    before = mark;
  }
  return weights;
}

function* groupWeights(group: Group, primary: string, marks: ReadonlyMap<string, string>): Generator<[string, Weights], undefined> {
  const [first = ''] = group;
  const plain = group.filter((member) => byAccent(member, first) === 0);
  let [rank, before] = [0, ''];
  for (const member of plain) {
    if (before === '' || byVariant(before, member) !== 0) rank += 1;
    before = member;
    yield [member, { primary, secondary: COMMON, tertiary: byte(rank) }];
  }
  for (const member of group) {
    if (plain.includes(member)) continue;
    const [mark, weight = ''] = [...marks].find(([each]) => byAccent(member, `${first}${each}`) === 0) ?? [];
    const letter = plain.findIndex((each) => byVariant(member, `${each}${mark}`) === 0);
    if (mark !== undefined && letter >= 0) yield [member, { primary, secondary: COMMON + weight, tertiary: byte(1 + letter) + COMMON }];
  }
}

/** The weights of the letter and the marks that a character is written with; undefined where that is not all. */
function composed(character: string, table: Table, marks: ReadonlyMap<string, string>): Weights | undefined {
  const parts = [...character.normalize('NFD')];
  if (byVariant(character, parts.join('')) !== 0) return undefined;
  let sum = IGNORED;
  for (const part of parts) {
    const mark = marks.get(part);
    const weights = mark === undefined ? table.get(part) : { primary: '', secondary: mark, tertiary: COMMON };
    if (weights === undefined) return undefined;
    sum = {
      primary: sum.primary + weights.primary,
      secondary: sum.secondary + weights.secondary,
      tertiary: sum.tertiary + weights.tertiary,
    };
  }
  return sum;
}
