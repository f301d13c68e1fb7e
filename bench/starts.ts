/** What a start takes: of our networks, of peers by their command, and of chaincode on each runtime. */
import { join } from 'node:path';
import { commandColdStart, type OwnColdStart, ownColdStart } from './cold-start.ts';
import { type FirstAnswer, firstAnswer } from './first-answer.ts';
import type { BenchOptions } from './options.ts';
import { nameOf, repository, sampleChaincode } from './own-network.ts';
import type { FirstAnswerResult, Rounds } from './report.ts';
import { runningWays } from './running-ways.ts';
import { say } from './say.ts';
import { rotated } from './statistics.ts';

export async function measureOwnColdStarts(checkouts: readonly string[], { rounds }: BenchOptions): Promise<Rounds<OwnColdStart>[]> {
  const start = (checkout: string) => ownColdStart({ name: nameOf(checkout), checkout, chaincode: sampleChaincode });
  return inTurns(checkouts, rounds, nameOf, start);
}

export async function measureColdStarts({ endorsers, rounds }: BenchOptions): Promise<Rounds<number>[]> {
  const startable = endorsers.flatMap((spec) => (spec.start === undefined ? [] : [{ spec, command: spec.start }]));
  return inTurns(
    startable,
    rounds,
    ({ spec }) => spec.name,
    ({ spec, command }) => commandColdStart(spec, command),
  );
}

/** Every sample on every runtime of this machine, in turn, each time with packages that nobody has built before. */
export async function measureFirstAnswers({ rounds, samples, runtimes }: BenchOptions): Promise<FirstAnswerResult[]> {
  const { ways, missing } = await runningWays(runtimes);
  for (const reason of missing) say(`first answer: ${reason}`);
  const pairs = ways.flatMap((way) => samples.map((sample) => ({ way, sample })));
  const found = new Map<(typeof pairs)[number], FirstAnswer[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const pair of rotated(pairs, round)) {
      say(`first answer: ${pair.sample}, ${pair.way.name}, round ${round + 1} of ${rounds} …`);
      found.set(pair, [...(found.get(pair) ?? []), await firstAnswer(join(repository, 'chaincodes', pair.sample), pair.way)]);
    }
  }
  return pairs.map((pair) => ({ sample: pair.sample, way: pair.way.name, rounds: found.get(pair) ?? [] }));
}

async function inTurns<T, R>(
  list: readonly T[],
  rounds: number,
  name: (each: T) => string,
  measure: (each: T) => Promise<R>,
): Promise<Rounds<R>[]> {
  const found = new Map<T, R[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const each of rotated(list, round)) {
      say(`cold start: ${name(each)}, round ${round + 1} of ${rounds} …`);
      found.set(each, [...(found.get(each) ?? []), await measure(each)]);
    }
  }
  return list.map((each) => ({ endorser: name(each), rounds: found.get(each) ?? [] }));
}
