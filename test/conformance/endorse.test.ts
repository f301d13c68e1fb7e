import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/common/bytes.ts';
import { bundleFromBlock } from '../committer/recorded-network.ts';
import { fixtures, manifest } from '../fixtures.ts';
import { NETWORKS } from './recording.ts';
import { Report } from './report.ts';
import { type Walk, walked } from './walk.ts';

describe.skipIf(fixtures === undefined)('recorded proposals through our endorser (needs the recorded fixtures)', () => {
  const report = new Report('proposals');
  afterAll(() => report.print());

  describe.each(NETWORKS)('%s', (network) => {
    let walk: Walk;
    beforeAll(async () => {
      walk = await walked(network);
    });

    it('all that the manifest lists were made', () => {
      const made = new Set(walk.proposals.flatMap(({ call }) => call.requests.map((file) => `${network}/${file}`)));
      const listed = manifest()
        .filter((file) => file.network === network && file.kind === 'signed-proposal')
        .map(({ file }) => file);
      expect(listed.filter((file) => !made.has(file))).toEqual([]);
    });

    it('get the recorded answer: payload, endorser, response and refusal', () => {
      const different: string[] = [];
      for (const { call, verdict, height } of walk.proposals) {
        if (!verdict.equal)
          different.push(`${call.name} at height ${height}\n  recorded ${verdict.expected}\n  ours     ${verdict.actual}`);
        else if (verdict.rule === undefined) report.covered(`${network} answers`);
        else report.known(`${network}: ${verdict.rule}`, call.name);
      }
      expect(different.join('\n')).toBe('');
      expect(walk.proposals.length).toBeGreaterThan(0);
    });

    it('are endorsed with the peer’s own signature', async () => {
      const [genesis] = walk.recording.blocks;
      if (genesis === undefined) throw new Error('no blocks');
      const { msps } = bundleFromBlock(genesis);
      for (const { call, outcome } of walk.proposals) {
        if (outcome.form === 'error' || outcome.reply.endorsement === undefined) continue;
        const { endorsement, payload } = outcome.reply;
        const valid = await msps
          .deserialize(endorsement.endorser)
          .verify(concatBytes(payload, endorsement.endorser), endorsement.signature);
        expect(valid, call.name).toBe(true);
        report.covered(`${network} signatures`);
      }
    });
  });
});
