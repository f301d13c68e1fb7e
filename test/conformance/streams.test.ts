import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeName } from '../../src/chaincode/stream/message-types.ts';
import { textOf } from '../../src/common/bytes.ts';
import { fixtures } from '../fixtures.ts';
import { chaincodeOf, endorsedChaincodes } from './coverage.ts';
import { replayDuplicate, replayStream } from './recorded-answers.ts';
import { NETWORKS, recordingOf } from './recording.ts';
import { Report } from './report.ts';
import { ruleFor } from './stream-rules.ts';
import { type Walk, walked } from './walk.ts';

describe.skipIf(fixtures === undefined)('recorded chaincode streams (needs the recorded fixtures)', () => {
  const report = new Report('chaincode streams');
  afterAll(() => report.print());

  describe.each(NETWORKS)('%s on the state of their time', (network) => {
    let walk: Walk;
    beforeAll(async () => {
      walk = await walked(network);
    });

    it('the peer says what the recorded peer said', () => {
      const different: string[] = [];
      for (const { stream, call, heard } of walk.heard) {
        for (const each of heard) {
          const name = `${call?.name ?? 'registration'} of ${stream.ccid}`;
          const rule = each.equal ? undefined : ruleFor(network, each);
          const { type, payload } = each.message.message;
          if (each.equal) report.covered(`${network} messages on the state of their time`);
          else if (rule !== undefined) report.known(`${network}: ${rule}`, name);
          else different.push(`${name}: ${typeName(type)} ${textOf(payload)} instead of ${each.line?.type ?? 'silence'}`);
        }
      }
      expect(different.join('\n')).toBe('');
      expect(walk.heard.length).toBeGreaterThan(0);
    });
  });

  describe.each(NETWORKS)('%s on the answers of the recorded peer', (network) => {
    const recording = fixtures === undefined ? undefined : recordingOf(network);
    const names = recording === undefined ? new Set<string>() : endorsedChaincodes(recording);

    it.each((recording?.streams ?? []).map((stream) => [stream.file, stream] as const))('%s', async (file, stream) => {
      if (stream.lines.every(({ dir }) => dir === 'cc->peer')) {
        expect(await replayDuplicate(stream)).toEqual([]);
        report.covered(`${network} refused streams`);
        return;
      }
      const { heard, changed, keepalives, left } = await replayStream(stream, {
        name: (recording && chaincodeOf(recording, stream)) ?? stream.ccid,
        isDefined: (name) => names.has(name),
      });
      const different: string[] = [];
      for (const each of heard) {
        const rule = each.equal ? undefined : ruleFor(network, each);
        if (each.equal) report.covered(`${network} messages on recorded answers`);
        else if (rule !== undefined) report.known(`${network}: ${rule}`, `${each.line?.step ?? ''} in ${file}`);
        else different.push(`${each.line?.type} of ${each.line?.step}: ${textOf(each.message.message.payload)}`);
      }
      expect(different).toEqual([]);
      expect({ changed, left }).toEqual({ changed: [], left: 0 });
      if (keepalives > 0) report.known(`${network}: KEEPALIVE is never sent, HTTP/2 pings do its work`, file);
      report.covered(`${network} streams`);
    });
  });

  it('no transaction of a stream is forgotten', async () => {
    for (const network of NETWORKS)
      for (const [file, txIds] of (await walked(network)).missed)
        if (txIds.length > 0)
          report.skipped(
            `${network} transactions whose proposals were not recorded: replayed on recorded answers only`,
            `${file}: ${txIds.length}`,
          );
  });
});
