import type { ResponseDifference } from './response-differences.ts';

/** What makes endorsers differ, with what to do about it. */
const CAUSES = {
  height: 'The endorsers are at different heights: call again when they have committed the same blocks.',
  version: 'The endorsers run different packages of the chaincode: install the one that is agreed on.',
  clock: "It looks like a clock: use the transaction's own time (getTxTimestamp), which all endorsers see alike.",
  order: 'It is the same content in another order: write the fields of JSON sorted, and do not depend on the order of maps.',
  peer: "It looks like something of the endorser itself, such as its organisation: use the client's (getCreator), not the peer's.",
  random: 'It looks random: make ids of the transaction id (getTxID) and the arguments.',
  unknown: 'Look in the chaincode for clocks, random numbers, unordered maps, and what it reads from outside the ledger.',
} as const;

const DATE = /^(?:[A-Z][a-z]{2},? |\d{4}-\d\d-\d\d[T ])/;
const RANDOM = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$|^[0-9a-f]{16,}$|^0?\.\d{6,}/i;

/** The most likely cause of differences, by how their values look; a guess, and one thing to do. */
export function likelyCause(differences: readonly ResponseDifference[]): string {
  if (differences.some(({ part }) => part === 'chaincode version')) return CAUSES.version;
  if (differences.some(({ part, before, after }) => part === 'read' && before !== undefined && after !== undefined)) return CAUSES.height;
  const pairs = differences.flatMap(pairsOf);
  if (differences.some(({ paths }) => paths?.length === 0)) return CAUSES.order;
  const looks = (test: (value: string) => boolean): boolean => pairs.some((pair) => pair.every(test));
  if (looks((value) => DATE.test(value) || isEpoch(value))) return CAUSES.clock;
  if (looks((value) => /MSP$/.test(value))) return CAUSES.peer;
  return looks((value) => RANDOM.test(value)) ? CAUSES.random : CAUSES.unknown;
}

function pairsOf({ before, after, paths }: ResponseDifference): readonly (readonly [string, string])[] {
  if (paths !== undefined) return paths.map((each) => [String(each.before), String(each.after)] as const);
  const [one, other] = [before?.value, after?.value];
  return one === undefined || other === undefined ? [] : [[Buffer.from(one).toString(), Buffer.from(other).toString()]];
}

/** Seconds or milliseconds of some day from 2001 to 2033, whole or not. */
const isEpoch = (value: string): boolean => /^1\d{9}(?:\d{3})?(?:\.\d+)?$/.test(value);
