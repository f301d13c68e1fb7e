import { describe, expect, it } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import type { Verdict } from '../msp/policies/policy.ts';
import { Verdicts } from './verdicts.ts';

const request = (text: string) => ({ data: utf8(text), identity: utf8('somebody'), signature: utf8('signed') });

/** Says which requests were judged, in order. */
function judged(limits: { most: number; retained: number }) {
  const log: string[] = [];
  const verdicts = new Verdicts(limits);
  const ask = (judge: object, text: string): Promise<Verdict> =>
    verdicts.of(judge, request(text), async () => {
      log.push(text);
      return text.startsWith('good') ? { ok: true } : { ok: false, reason: text };
    });
  return { ask, log };
}

describe('verdicts', () => {
  it('are remembered, those that deny too', async () => {
    const { ask, log } = judged({ most: 10, retained: 0.5 });
    const judge = {};
    expect(await ask(judge, 'good')).toEqual({ ok: true });
    expect(await ask(judge, 'bad')).toEqual({ ok: false, reason: 'bad' });
    expect(await ask(judge, 'good')).toEqual({ ok: true });
    expect(await ask(judge, 'bad')).toEqual({ ok: false, reason: 'bad' });
    expect(log).toEqual(['good', 'bad']);
  });

  it('are of one judge: another configuration knows none of them', async () => {
    const { ask, log } = judged({ most: 10, retained: 0.5 });
    await ask({}, 'good');
    await ask({}, 'good');
    expect(log).toEqual(['good', 'good']);
  });

  it('make room when there are too many, the oldest first', async () => {
    const { ask, log } = judged({ most: 4, retained: 0.5 });
    const judge = {};
    for (const text of ['good 1', 'good 2', 'good 3', 'good 4', 'good 5']) await ask(judge, text); // 5 sends 1 and 2 away
    log.length = 0;
    for (const text of ['good 3', 'good 4', 'good 5', 'good 1']) await ask(judge, text);
    expect(log).toEqual(['good 1']);
  });

  it('are none where none may be remembered', async () => {
    const { ask, log } = judged({ most: 0, retained: 0.5 });
    const judge = {};
    await ask(judge, 'good');
    await ask(judge, 'good');
    expect(log).toHaveLength(2);
  });

  it('tell requests apart whose parts only read the same one after the other', async () => {
    const verdicts = new Verdicts({ most: 10, retained: 1 });
    const judge = {};
    const one = { data: utf8('ab'), identity: utf8('c'), signature: utf8('d') };
    const other = { data: utf8('a'), identity: utf8('bc'), signature: utf8('d') };
    expect(await verdicts.of(judge, one, async () => ({ ok: true }))).toEqual({ ok: true });
    expect(await verdicts.of(judge, other, async () => ({ ok: false, reason: 'no' }))).toEqual({ ok: false, reason: 'no' });
  });
});
