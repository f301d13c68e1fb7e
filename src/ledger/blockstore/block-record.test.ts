import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { concatBytes, hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import { decodeRecord, encodeRecord } from './block-record.ts';
import { Cursor, uvarintLength, writeUvarint } from './uvarint.ts';

/** Splits a block file at the lengths in front of its records. */
function records(file: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const body = new Cursor(file.subarray(at)).uvarint();
    const length = uvarintLength(body) + Number(body);
    found.push(file.subarray(at, at + length));
    at += length;
  }
  return found;
}

describe.skipIf(!fixtures)('block records of recorded Fabric networks', () => {
  for (const network of ['v1.1', 'v2.4']) {
    it(`reads and writes the block file of ${network} byte by byte`, () => {
      const file = readFixture(`${network}/ledger/blockfile_000000`);
      const parsed = records(file).map(decodeRecord);
      expect(parsed.length).toBeGreaterThan(70);
      expect(Buffer.compare(concatBytes(...parsed.map(({ block }) => encodeRecord(block).bytes)), file)).toBe(0);
      for (const [number, { block, transactions }] of parsed.entries()) {
        expect(hex(common.Block.encode(block))).toBe(hex(readFixture(`${network}/blocks/peer/${number}.pb`)));
        expect(transactions).toEqual(encodeRecord(block).transactions);
      }
    });

    it(`finds each envelope of ${network} at its place`, () => {
      for (const record of records(readFixture(`${network}/ledger/blockfile_000000`))) {
        const { block, transactions } = decodeRecord(record);
        const found = transactions.map(({ offset, length }) => hex(record.subarray(offset, offset + length)));
        expect(found).toEqual((block.data?.data ?? []).map(hex));
      }
    });
  }
});

describe('block records', () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const blocks = fc.record({
    header: fc.record({ number: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), dataHash: bytes, previousHash: bytes }),
    data: fc.record({ data: fc.array(bytes) }),
    metadata: fc.record({ metadata: fc.array(bytes) }),
  });

  it('come back as they were written', () => {
    fc.assert(
      fc.property(blocks, (block) => {
        expect(hex(common.Block.encode(decodeRecord(encodeRecord(block).bytes).block))).toBe(hex(common.Block.encode(block)));
      }),
    );
  });

  it('are refused when cut, prolonged or filled with anything, and nothing else happens', () => {
    fc.assert(
      fc.property(blocks, fc.nat(), (block, at) => {
        const { bytes: whole } = encodeRecord(block);
        expect(() => decodeRecord(whole.subarray(0, at % whole.length))).toThrow(SelvageError);
        expect(() => decodeRecord(concatBytes(whole, new Uint8Array(1)))).toThrow(SelvageError);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        try {
          decodeRecord(noise);
        } catch (error) {
          expect(error).toMatchObject({ code: 'LEDGER_CORRUPT' });
        }
      }),
    );
  });

  it('allocate nothing for a count or a length that lies', () => {
    const claim = (field: bigint): Uint8Array => {
      const body = new Uint8Array(3 + uvarintLength(field));
      writeUvarint(body, 3, field);
      const record = new Uint8Array(1 + body.length);
      record[0] = body.length;
      record.set(body, 1);
      return record;
    };
    for (const field of [2n ** 31n, 2n ** 63n, 2n ** 64n - 1n]) expect(() => decodeRecord(claim(field))).toThrow(SelvageError);
  });
});
