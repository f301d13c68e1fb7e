import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Field, readSchema, type Schema } from '../../scripts/protos/schema.mjs';
import { officialMessage } from '../../test/official-protos.ts';
import { runs } from '../../test/runs.ts';
import { hex } from '../common/bytes.ts';
import * as messages from './messages.ts';
import { common, kvrwset, msp, protos } from './messages.ts';
import { Reader } from './wire.ts';

const require = createRequire(import.meta.url);
const schema: Schema = readSchema(dirname(require.resolve('@hyperledger/fabric-protos')));

type AnyCodec = { encode(value: unknown): Uint8Array; decode(bytes: Uint8Array): unknown; readonly typeName: string };
const packages: Record<string, Record<string, AnyCodec>> = messages as never;

function codecOf(name: string): AnyCodec {
  const [head = '', ...rest] = name.split('.');
  const codec = packages[head]?.[rest.filter((part) => /^[A-Z]/.test(part)).join('_')];
  if (codec === undefined) throw new Error(`no codec for ${name}`);
  return codec;
}

const MAX_DEPTH = 3;

function arbitraryOf(field: Field, depth: number): fc.Arbitrary<unknown> {
  if (field.kind === 'enum') return fc.constantFrom(...Object.values(schema.enums.get(field.type)?.values ?? { ZERO: 0 }));
  if (field.kind === 'message') return messageOf(field.type, depth + 1);
  const scalars: Record<string, fc.Arbitrary<unknown>> = {
    bool: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 40 }),
    string: fc.string({ unit: 'binary', maxLength: 20 }),
    int32: fc.integer(),
    uint32: fc.nat(0xffff_ffff),
    // google-protobuf holds 64-bit integers in doubles, so the oracle is asked about safe ones only
    int64: fc.maxSafeInteger().map(BigInt),
    uint64: fc.maxSafeNat().map(BigInt),
  };
  const scalar = scalars[field.type];
  if (scalar === undefined) throw new Error(`no arbitrary for ${field.type}`);
  return scalar;
}

function messageOf(name: string, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  if (name === 'google.protobuf.Timestamp') return fc.record({ seconds: fc.nat().map(BigInt), nanos: fc.nat(999_999_999) });
  const fields = depth > MAX_DEPTH ? [] : (schema.messages.get(name)?.fields ?? []);
  const seen = new Set<number>();
  const chosen = fields.filter((field) => field.oneof === undefined || (!seen.has(field.oneof) && seen.add(field.oneof)));
  const entries = chosen.map((field): [string, fc.Arbitrary<unknown>] => {
    const value = arbitraryOf(field, depth);
    if (field.mapKey !== undefined) {
      const key = field.mapKey === 'string' ? fc.string({ minLength: 1, maxLength: 5 }) : fc.nat().map(BigInt);
      return [field.name, fc.tuple(key, value).map((entry) => new Map([entry]))];
    }
    if (field.repeated) return [field.name, fc.array(value, { maxLength: 3 })];
    return [field.name, fc.option(value, { nil: undefined })];
  });
  return fc.record(Object.fromEntries(entries));
}

describe('every message of the official package', () => {
  const names = [...schema.messages.keys()].filter((name) => !name.startsWith('google.'));

  it('is there', () => {
    expect(names.length).toBeGreaterThan(280);
  });

  it.each(names)('%s: protoc reads our bytes and writes the same', (name) => {
    const codec = codecOf(name);
    const oracle = officialMessage(name);
    fc.assert(
      fc.property(messageOf(name), (value) => {
        const ours = codec.encode(value);
        const theirs = oracle.deserializeBinary(ours).serializeBinary();
        expect(hex(codec.encode(codec.decode(ours)))).toBe(hex(ours));
        // an entry with an empty value is the one place where the libraries of Go and JavaScript differ
        if (!hasEmptyMapValue(value)) expect(hex(theirs)).toBe(hex(ours));
      }),
      { numRuns: runs(15) },
    );
  });
});

function hasEmptyMapValue(value: unknown): boolean {
  if (value instanceof Map)
    return [...value.values()].some(
      (each) => (each instanceof Uint8Array && each.length === 0) || isDefault(each) || hasEmptyMapValue(each),
    );
  if (Array.isArray(value)) return value.some(hasEmptyMapValue);
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hasEmptyMapValue);
}

const isDefault = (value: unknown): boolean => value === 0 || value === false || value === 0n || value === '';

describe('bytes that Fabric defines', () => {
  it('has the marshalled form of a policy', () => {
    const role = (mspIdentifier: string) => ({
      principal: common.MSPRole.encode({ mspIdentifier, role: common.MSPRole_MSPRoleType.MEMBER }),
    });
    const envelope = common.SignaturePolicyEnvelope.encode({
      rule: { nOutOf: { n: 1, rules: [{ signedBy: 0 }, { signedBy: 1 }] } },
      identities: [role('Org1MSP'), role('Org2MSP')],
    });
    expect(hex(envelope)).toBe('120c120a080112020800120208011a0b12090a074f7267314d53501a0b12090a074f7267324d5350');
  });

  it('tells a version of block 0, transaction 0 from no version', () => {
    expect(hex(kvrwset.KVRead.encode({ key: 'a', version: { blockNum: 0n, txNum: 0n } }))).toBe('0a01611200');
    expect(hex(kvrwset.KVRead.encode({ key: 'a' }))).toBe('0a0161');
    expect(kvrwset.KVRead.decode(Buffer.from('0a01611200', 'hex')).version).toEqual({ blockNum: 0n, txNum: 0n });
    expect(kvrwset.KVRead.decode(Buffer.from('0a0161', 'hex')).version).toBeUndefined();
  });

  it('carries 64 bits', () => {
    const most = 0xffff_ffff_ffff_ffffn;
    expect(kvrwset.Version.decode(kvrwset.Version.encode({ blockNum: most })).blockNum).toBe(most);
  });

  it('sees an empty payload visibility that was sent', () => {
    expect(protos.ChaincodeHeaderExtension.decode(Buffer.from('0a00', 'hex')).payloadVisibility).toHaveLength(0);
    expect(protos.ChaincodeHeaderExtension.decode(new Uint8Array()).payloadVisibility).toBeUndefined();
  });

  it('merges a message that occurs twice, as Go does', () => {
    const twice = Buffer.concat([
      kvrwset.KVRead.encode({ version: { blockNum: 7n } }),
      kvrwset.KVRead.encode({ version: { txNum: 9n } }),
      kvrwset.KVRead.encode({ version: { blockNum: 8n } }),
    ]);
    expect(kvrwset.KVRead.decode(twice).version).toEqual({ blockNum: 8n, txNum: 9n });
  });

  it('forgets a member of a oneof when another follows, and does not merge it with a later one', () => {
    const rule = common.SignaturePolicy.encode({ nOutOf: { n: 2, rules: [{ signedBy: 1 }] } });
    const again = common.SignaturePolicy.encode({ nOutOf: { n: 1, rules: [] } });
    const bytes = Buffer.concat([rule, common.SignaturePolicy.encode({ signedBy: 3 }), again]);
    expect(common.SignaturePolicy.decode(bytes)).toEqual({ signedBy: undefined, nOutOf: { n: 1, rules: [] } });
    expect(common.SignaturePolicy.decode(Buffer.concat([rule, again])).nOutOf).toMatchObject({ n: 1, rules: [{ signedBy: 1 }] });
  });

  it('copies a message that occurs a thousand times once, and not at every occurrence', () => {
    const header = { channelHeader: new Uint8Array(8), signatureHeader: new Uint8Array(8) };
    const bytes = Buffer.concat(Array.from({ length: 1_000 }, () => common.Payload.encode({ header })));
    const concat = vi.spyOn(Buffer, 'concat');
    common.Payload.decode(bytes);
    const copied = concat.mock.results.reduce((sum, { value }) => sum + value.length, 0);
    concat.mockRestore();
    expect(copied).toBeLessThanOrEqual(bytes.length);
  });

  it('remembers a message that occurs over and over in few bytes, and empty ones not at all', () => {
    const times = 1_000_000;
    const empty = Buffer.alloc(2 * times, Buffer.from([0x0a, 0])); // the header of a payload
    const header = common.Header.encode({ channelHeader: new Uint8Array([7]) });
    const once = Buffer.concat([Buffer.from([0x0a, header.length]), header]);
    const before = process.memoryUsage().heapUsed;
    const found = common.Payload.decode(Buffer.concat([once, empty]));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * times);
    expect(found.header?.channelHeader).toEqual(Buffer.from([7]));
  });

  it('stops at the number of fields that it was given, in all messages together', () => {
    const two = common.Header.encode({ channelHeader: new Uint8Array([7]), signatureHeader: new Uint8Array([8]) });
    const nested = common.Payload.encode({ header: { channelHeader: new Uint8Array([7]), signatureHeader: new Uint8Array([8]) } });
    expect(common.Header.decode(two, { mostFields: 2 }).signatureHeader).toEqual(Buffer.from([8]));
    for (const [codec, bytes, mostFields] of [
      [common.Header, two, 1],
      [common.Payload, nested, 2],
    ] as const)
      expect(() => codec.decode(bytes, { mostFields })).toThrow(`more than ${mostFields} fields`);
  });

  it('reads what is nested and occurs twice on every level once per level', () => {
    let nested: Uint8Array = new Uint8Array();
    for (let level = 0; level < 24; level += 1) nested = Buffer.concat([wrap(nested), Buffer.from('1200', 'hex')]);
    const tag = vi.spyOn(Reader.prototype, 'tag');
    common.SignaturePolicy.decode(nested);
    const tags = tag.mock.calls.length;
    tag.mockRestore();
    expect(tags).toBeLessThan(nested.length * 24);
  });
});

describe('what a lenient library lets pass', () => {
  const malformed = expect.objectContaining({ code: 'MALFORMED' });

  it('refuses a bigint that does not fit', () => {
    expect(() => kvrwset.Version.encode({ blockNum: -1n })).toThrow(/does not fit/);
    expect(() => kvrwset.Version.encode({ blockNum: 1n << 64n })).toThrow(/does not fit/);
  });

  it('refuses a string without a UTF-8 form, in both directions', () => {
    expect(() => kvrwset.KVRead.encode({ key: '\ud800' })).toThrow(malformed);
    expect(() => kvrwset.KVRead.decode(Buffer.from('0a02fffe', 'hex'))).toThrow(malformed);
  });

  it('refuses a known field of another wire type where 1.1 does, and skips it where 2.x does', () => {
    const varintForKey = Buffer.from('0805', 'hex');
    expect(() => kvrwset.KVRead.decode(varintForKey, { strict: true })).toThrow(/bad wiretype/);
    expect(kvrwset.KVRead.decode(varintForKey).key).toBe('');
  });

  it('refuses a field that overruns its message, and a length that overruns the buffer', () => {
    expect(() => kvrwset.KVRead.decode(Buffer.from('12020a05616263', 'hex'))).toThrow(malformed);
    expect(() => common.Envelope.decode(Buffer.from('0affffffff0f', 'hex'))).toThrow(malformed);
  });

  it('refuses nesting without end', () => {
    let nested: Uint8Array = new Uint8Array();
    for (let depth = 0; depth < 300; depth += 1)
      nested = common.SignaturePolicy.encode({ nOutOf: { n: 1, rules: [] } }).length > 0 ? wrap(nested) : nested;
    expect(() => common.SignaturePolicy.decode(nested)).toThrow(/nested more than 100 deep/);
  });

  it('gives bytes of their own when encoding, whatever happens to the source', () => {
    const source = new Uint8Array([1, 2, 3]);
    const encoded = common.Envelope.encode({ payload: source });
    source.fill(9);
    expect(hex(encoded)).toBe('0a03010203');
    expect(encoded.buffer.byteLength).toBe(encoded.length);
  });

  it('never does anything but decode or refuse, whatever the bytes', () => {
    const types = [
      common.Block,
      common.ConfigEnvelope,
      common.Envelope,
      protos.SignedProposal,
      protos.ChaincodeMessage,
      msp.FabricMSPConfig,
    ];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...types), fc.boolean(), (bytes, type, strict) => {
        try {
          type.decode(bytes, { strict });
        } catch (error) {
          expect(error).toMatchObject({ code: 'MALFORMED' });
        }
      }),
      { numRuns: runs(2000) },
    );
  });
});

/** n_out_of { rules: [inner] } */
function wrap(inner: Uint8Array): Uint8Array {
  const length = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...length(value >>> 7)]);
  const rules = [0x12, ...length(inner.length), ...inner];
  return new Uint8Array([0x12, ...length(rules.length), ...rules]);
}
