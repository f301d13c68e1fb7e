import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/common/bytes.ts';
import { blockHash } from '../../src/protos/hashes.ts';
import { common } from '../../src/protos/messages.ts';
import { codeName, recordedLedger } from '../committer/recorded-network.ts';
import { fixtures, manifest, readFixture } from '../fixtures.ts';
import { likeConfigtxlator, resultsIn, withoutNothing } from './decoded-rwset.ts';
import { blocksOf, NETWORKS, read, readLines } from './recording.ts';
import { replayBlocks } from './replay-blocks.ts';
import { Report } from './report.ts';
import { recordedDump } from './state-dump.ts';
import { type Walk, walked } from './walk.ts';

const FILTER = common.BlockMetadataIndex.TRANSACTIONS_FILTER;
const flagsOf = (block: common.Block): string => [...(block.metadata?.metadata[FILTER] ?? [])].map(codeName).join(' ');

describe.skipIf(fixtures === undefined)('recorded blocks through our committer (needs the recorded fixtures)', () => {
  const report = new Report('blocks and state');
  afterAll(() => report.print());

  describe.each(NETWORKS)('%s', (network) => {
    let walk: Walk;
    beforeAll(async () => {
      walk = await walked(network);
    });

    it('every peer commits all of them', () => {
      for (const { member, blocks, halted } of walk.peers) {
        expect(halted, member.target).toBeUndefined();
        expect(blocks.length, member.target).toBe(walk.recording.blocks.length);
      }
      expect(walk.peers.length).toBeGreaterThan(0);
    });

    it('every transaction gets the recorded validation code', () => {
      for (const { member, blocks } of walk.peers) {
        for (const [number, bytes] of blocks.entries()) {
          const recorded = walk.recording.blocks[number];
          expect(flagsOf(common.Block.decode(bytes)), `block ${number} at ${member.target}`).toBe(recorded && flagsOf(recorded));
          report.covered(`${network} blocks with the recorded flags`);
        }
      }
    });

    it('every block is the recorded one, byte for byte, with what the peer adds to it', () => {
      for (const { member, blocks } of walk.peers) {
        for (const [number, bytes] of blocks.entries())
          expect(hex(bytes), `block ${number} at ${member.target}`).toBe(hex(read(network, `blocks/peer/${number}.pb`)));
        report.covered(`${network} blocks equal at ${member.target}`, blocks.length);
      }
    });

    it('blocks have the hashes and flags that the manifest gives them', () => {
      for (const { file, headerHash, previousHash, dataHash, validationCodes } of manifest()) {
        const [, number] = new RegExp(`^${network}/blocks/peer/(\\d+)\\.pb$`).exec(file) ?? [];
        const bytes = number === undefined ? undefined : walk.peers[0]?.blocks[Number(number)];
        if (bytes === undefined) continue;
        const { header, metadata } = common.Block.decode(bytes);
        if (header === undefined) throw new Error(`${file} has no header`);
        const ours = { headerHash: hex(blockHash(header)), previousHash: hex(header.previousHash), dataHash: hex(header.dataHash) };
        expect(ours, file).toEqual({ headerHash, previousHash, dataHash });
        if (validationCodes !== undefined)
          expect([...(metadata?.metadata[FILTER] ?? [])], file).toEqual(validationCodes.map(({ code }) => code));
        report.covered(`${network} block hashes of the manifest`);
      }
    });

    it('the block file is the recorded one', () => {
      for (const { file } of manifest().filter((each) => each.network === network && each.kind === 'block-file')) {
        expect(hex(walk.peers[0]?.blockFile ?? new Uint8Array()), file).toBe(hex(readFixture(file)));
        report.covered(`${network} block files`);
      }
    });

    it('read-write sets are what configtxlator read in them', () => {
      for (const { file } of manifest().filter((each) => each.network === network && each.kind === 'decoded-rwsets')) {
        for (const line of readLines<RwsetLine>(file)) {
          const name = `${network} block ${line.block} transaction ${line.index}`;
          if (line.rwset === undefined || line.rwset === null) {
            report.skipped('configtxlator could not read the block, or there is no set', name);
            continue;
          }
          const envelope = walk.recording.blocks[line.block]?.data?.data[line.index] ?? new Uint8Array();
          expect(likeConfigtxlator(resultsIn(envelope)), name).toEqual(withoutNothing(line.rwset));
          report.covered(`${network} read-write sets`);
        }
      }
    });

    it('every peer has the recorded state', () => {
      for (const [index, { member, state }] of walk.peers.entries()) {
        const file = dumpFile(network, index);
        const recorded = recordedDump(network, file);
        expect(comparable(state.entries), `${member.target} against ${file}`).toEqual(comparable(recorded.entries));
        expect(state.config).toBe(recorded.config);
        report.covered(`${network} state entries at ${member.target}`, comparable(recorded.entries).length);
      }
    });

    it('the blocks as the orderer gave them get the same codes', async () => {
      const ordered = blocksOf(network, 'orderer');
      if (ordered.length < 2) return report.skipped('none were recorded', `${network} blocks of the orderer`);
      await using recorded = await recordedLedger(network);
      const codes = await replayBlocks(recorded, ordered.slice(1));
      expect(codes).toEqual(walk.recording.blocks.slice(1, ordered.length).map(flagsOf));
      report.covered(`${network} blocks in the orderer's form`, codes.length);
    });
  });
});

const comparable = (entries: ReadonlyMap<string, string>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

/** The dump of one peer; one file serves both where they were equal. */
function dumpFile(network: string, peer: number): string {
  const dumps = manifest().filter((file) => file.network === network && file.kind === 'state-dump');
  return dumps[Math.min(peer, dumps.length - 1)]?.file ?? '';
}

interface RwsetLine {
  readonly block: number;
  readonly index: number;
  readonly rwset?: unknown;
}
