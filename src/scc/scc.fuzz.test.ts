import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowAll, never } from '../../test/fakes/open-endorser.ts';
import { openBundle } from '../../test/fakes/proposals.ts';
import { channelsOf, memoryChannel } from '../../test/fakes/recorded-channel.ts';
import { call } from '../../test/fakes/system-calls.ts';
import { runs } from '../../test/runs.ts';
import type { SystemChaincode } from '../chaincode/system.ts';
import { utf8 } from '../common/bytes.ts';
import { PackageStore } from '../packages/package-store.ts';
import { common, protos } from '../protos/messages.ts';
import { Cscc } from './cscc.ts';
import { Lscc } from './lscc/lscc.ts';
import { Qscc } from './qscc.ts';

const FUNCTIONS = {
  lscc: [
    'install',
    'deploy',
    'upgrade',
    'getid',
    'getdepspec',
    'getccdata',
    'getchaincodes',
    'getinstalledchaincodes',
    'GetCollectionsConfig',
  ],
  cscc: ['JoinChain', 'GetConfigBlock', 'GetConfigTree', 'SimulateConfigTreeUpdate', 'GetChannels', 'GetChannelConfig'],
  qscc: ['GetChainInfo', 'GetBlockByNumber', 'GetBlockByHash', 'GetTransactionByID', 'GetBlockByTxID'],
} as const;

/** Arguments that get past the first checks, and messages with one byte changed. */
const spec = protos.ChaincodeDeploymentSpec.encode({
  chaincodeSpec: { type: 2, chaincodeId: { name: 'cc', version: '1' }, input: { args: [] } },
  codePackage: utf8('no archive'),
});
const block = common.Block.encode({ header: { number: 0n }, data: { data: [common.Envelope.encode({ payload: utf8('x') })] } });
const dented = fc.tuple(fc.constantFrom(spec, block), fc.nat(), fc.nat(255)).map(([bytes, at, to]) => bytes.with(at % bytes.length, to));
const argument = fc.oneof(fc.constantFrom('ch', '', '0', 'cc').map(utf8), fc.constant(spec), dented, fc.uint8Array({ maxLength: 40 }));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scc-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const channel = memoryChannel(openBundle('ch'));
const channels = channelsOf(channel);
const plugins = { endorsementPlugins: new Set(['escc']), validationPlugins: new Set(['vscc']) };
const make: Readonly<Record<keyof typeof FUNCTIONS, () => SystemChaincode>> = {
  lscc: () =>
    new Lscc({ channels, access: allowAll, packages: new PackageStore({ directory: folder }), isSystem: () => false, ...plugins }),
  cscc: () => new Cscc({ channels, access: allowAll, joiner: { join: async () => undefined } }),
  qscc: () => new Qscc({ channels, access: allowAll }),
};

describe('whatever the arguments', () => {
  it.each(['lscc', 'cscc', 'qscc'] as const)('%s answers', async (name) => {
    const chaincode = make[name]();
    const functionName = fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...FUNCTIONS[name]).map(utf8) },
      { weight: 1, arbitrary: argument },
    );
    const args = fc.tuple(functionName, fc.array(argument, { maxLength: 7 })).map(([fn, rest]) => [fn, ...rest]);
    await fc.assert(
      fc.asyncProperty(args, fc.constantFrom('ch', ''), async (given, channelId) => {
        await using simulator = channelId === '' ? undefined : await channel.ledger.simulate('t');
        const { status, message } = await chaincode.invoke(call(given, { channelId, ...(simulator && { simulator }) }), never);
        expect([200, 500]).toContain(status);
        expect(message).not.toBe('internal error');
      }),
      { numRuns: runs(1_000) },
    );
    expect(channel.ledger.state.openSnapshots).toBe(0);
  });
});
