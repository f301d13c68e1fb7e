import { describe, expect, it } from 'vitest';
import { developmentSet as fixtures, manifest, readFixture } from '../../test/fixtures.ts';
import { hex, utf8 } from '../common/bytes.ts';
import { ccprovider, common, protos } from '../protos/messages.ts';
import { buildDeploymentSpec, buildSignedPackage } from './build-package.ts';
import { chaincodeDataOf, parseDeploymentSpec, parsePackage } from './chaincode-package.ts';

const at = (iso: string) => ({ clock: { now: () => new Date(iso) } });
const plain = buildDeploymentSpec({ name: 'basic', version: '1.0', path: 'basic', type: 'NODE', codePackage: utf8('code') });

describe('a chaincode package', () => {
  it('is told apart by what it holds, not by what decodes', () => {
    const signed = buildSignedPackage(plain, utf8('policy'), at('2026-01-02T03:04:05.678Z'));
    expect(parsePackage(plain).signed).toBeUndefined();
    expect(parsePackage(signed)).toMatchObject({ name: 'basic', version: '1.0' });
    expect(hex(parsePackage(signed).deploymentSpecBytes)).toEqual(hex(plain));
  });

  it('keeps the bytes it came in, in memory of its own', () => {
    const received = new Uint8Array(plain);
    const parsed = parsePackage(received);
    received.fill(0);
    expect(parsed.bytes).toEqual(plain);
  });

  it('is refused when it is neither form', () => {
    const refuse = (bytes: Uint8Array) => expect(() => parsePackage(bytes));
    refuse(utf8('\u00ff nonsense')).toThrow('failed to unmarshal envelope from bytes');
    refuse(new Uint8Array()).toThrow('invalid type of envelope for chaincode package');
    refuse(protos.ChaincodeDeploymentSpec.encode({ codePackage: utf8('x') })).toThrow('invalid type of envelope for chaincode package');
    refuse(Uint8Array.of(0x1f, 0x8b, 8)).toThrow('failed to unmarshal envelope from bytes');
  });

  it('is refused when signed without an instantiation policy', () => {
    const header = { channelHeader: common.ChannelHeader.encode({ type: common.HeaderType.CHAINCODE_PACKAGE }) };
    const data = protos.SignedChaincodeDeploymentSpec.encode({ chaincodeDeploymentSpec: plain });
    const envelope = common.Envelope.encode({ payload: common.Payload.encode({ header, data }) });
    expect(() => parsePackage(envelope)).toThrow('instantiation policy cannot be nil for chaincode (basic:1.0)');
  });

  it('gives the data that LSCC stores', () => {
    const parsed = parsePackage(plain);
    const stored = ccprovider.ChaincodeData.decode(
      chaincodeDataOf(parsed, { escc: 'escc', vscc: 'vscc', policy: utf8('p'), instantiationPolicy: utf8('i') }),
    );
    expect(stored).toMatchObject({ name: 'basic', version: '1.0', escc: 'escc', vscc: 'vscc' });
    expect(hex(stored.data)).toEqual(hex(parsed.data));
    expect(hex(stored.instantiationPolicy)).toEqual(hex(utf8('i')));
  });

  it('prefers the signed policy over the default one', () => {
    const parsed = parsePackage(buildSignedPackage(plain, utf8('own'), at('2026-01-02T03:04:05Z')));
    const stored = ccprovider.ChaincodeData.decode(
      chaincodeDataOf(parsed, { escc: 'escc', vscc: 'vscc', policy: utf8('p'), instantiationPolicy: utf8('default') }),
    );
    expect(hex(stored.instantiationPolicy)).toEqual(hex(utf8('own')));
  });

  it('without a chaincode id is no deployment spec', () => {
    expect(() => parseDeploymentSpec(protos.ChaincodeDeploymentSpec.encode({ chaincodeSpec: {} }))).toThrow('the chaincode id is missing');
  });
});

describe.skipIf(!fixtures)('recorded packages', () => {
  const recorded = (name: string) => readFixture(`v1.1/packages/${name}.pak`);

  it('all parse in their form', () => {
    for (const { file, proto } of manifest().filter(({ kind, network }) => kind === 'chaincode-package' && network === 'v1.1')) {
      expect([file, parsePackage(readFixture(file)).signed !== undefined]).toEqual([file, proto?.startsWith('common.Envelope')]);
    }
  });

  it('have the fingerprints that the recorded peer listed', () => {
    const response = protos.ProposalResponse.decode(readFixture('v1.1/calls/26-list-installed/endorse.response.pb'));
    const listed = protos.ChaincodeQueryResponse.decode(response.response?.payload ?? new Uint8Array()).chaincodes;
    const ids = new Map(listed.map(({ name, version, id }) => [`${name}:${version}`, hex(id)]));
    for (const file of ['kvgo-1.0.cds', 'kvsigned-2.0.cosigned']) {
      const parsed = parsePackage(recorded(file));
      expect([file, hex(parsed.id)]).toEqual([file, ids.get(`${parsed.name}:${parsed.version}`)]);
    }
  });

  it('are rebuilt byte for byte from their parts', () => {
    const bytes = recorded('kvsigned-2.1.unsigned');
    const parsed = parsePackage(bytes);
    const header = common.Payload.decode(common.Envelope.decode(bytes).payload).header;
    const { timestamp } = common.ChannelHeader.decode(header?.channelHeader ?? new Uint8Array());
    const seconds = Number(timestamp?.seconds ?? 0n);
    const rebuilt = buildSignedPackage(parsed.deploymentSpecBytes, parsed.signed?.instantiationPolicy ?? new Uint8Array(), {
      clock: { now: () => new Date(seconds * 1_000) },
    });
    const withoutNanos = (envelope: Uint8Array) => {
      const payload = common.Payload.decode(common.Envelope.decode(envelope).payload);
      const channelHeader = common.ChannelHeader.decode(payload.header?.channelHeader ?? new Uint8Array());
      return {
        ...channelHeader,
        timestamp: channelHeader.timestamp?.seconds,
        data: hex(payload.data),
        signature: hex(payload.header?.signatureHeader ?? new Uint8Array()),
      };
    };
    expect(withoutNanos(rebuilt)).toEqual(withoutNanos(bytes));
  });
});
