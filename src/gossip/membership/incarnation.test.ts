import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextIncarnation } from './incarnation.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'incarnation-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (ms: number) => ({ now: () => new Date(ms) });

describe('the incarnation of a peer', () => {
  it('is its start in nanoseconds', async () => {
    expect(await nextIncarnation(join(folder, 'new', 'gossip'), at(1_700_000_000_000))).toBe(1_700_000_000_000_000_000n);
  });

  it('grows from run to run, even when the clock went back', async () => {
    expect(await nextIncarnation(folder, at(2_000))).toBe(2_000_000_000n);
    expect(await nextIncarnation(folder, at(1_000))).toBe(2_000_000_001n);
    expect(await nextIncarnation(folder, at(1_000))).toBe(2_000_000_002n);
    expect(await nextIncarnation(folder, at(3_000))).toBe(3_000_000_000n);
  });

  it('is the time again when what was kept is no number', async () => {
    await writeFile(join(folder, 'incarnation'), 'yesterday');
    expect(await nextIncarnation(folder, at(1_000))).toBe(1_000_000_000n);
  });
});
