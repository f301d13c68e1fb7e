import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { common } from '../src/protos/messages.ts';
import { computeUpdate } from './compute-update.ts';
import { developmentSet as fixtures, readFixture } from './fixtures.ts';

describe.skipIf(!fixtures)('computing an update (recorded from configtxlator)', () => {
  for (const network of ['v1.1', 'v2.4']) {
    const folder = `pure/config-update/${network}`;
    const config = (name: string) => common.Config.decode(readFixture(`${folder}/${name}`));
    const cases = fixtures ? readdirSync(join(fixtures, folder)).flatMap((name) => name.match(/^(.+)\.update\.pb$/)?.[1] ?? []) : [];

    it.each(cases)(`gives the recorded update of ${network}: %s`, (name) => {
      const recorded = common.ConfigUpdate.decode(readFixture(`${folder}/${name}.update.pb`));
      const computed = computeUpdate(config('original.pb'), config(`${name}.updated.pb`), recorded.channelId);
      assert.deepEqual(plain(computed), plain(recorded));
    });

    it(`refuses equal configurations with the recorded text of ${network}`, () => {
      const recorded = readFixture(`${folder}/none.error.txt`).toString('utf8');
      const text = 'no differences detected between original and updated config';
      assert.ok(recorded.includes(text));
      assert.throws(() => computeUpdate(config('original.pb'), config('none.updated.pb'), 'mychannel'), {
        code: 'CONFIG_INVALID',
        message: text,
      });
    });
  }
});

/** Bytes as hexadecimal and maps in name order, so that a difference can be read. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Map) return [...value].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, plain(item)]);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}
