import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { encodeHeaders } from './encoder.ts';
import { decodeHuffman } from './huffman.ts';
import { STATIC_TABLE } from './static-table.ts';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const decoderOf = (tableBytes = 4096, listBytes = 65_536): HpackDecoder => new HpackDecoder({ tableBytes, listBytes });

function decode(decoder: HpackDecoder, hex: string): string[] {
  const bytes = bytesOf(hex);
  return decoder.decode(bytes, 0, bytes.length).fields.map(([name, value]) => `${name}: ${value}`);
}

describe('header blocks', () => {
  it('of RFC 7541, appendix C.4: requests with Huffman texts, whose table grows', () => {
    const decoder = decoderOf();
    const common = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
    expect(decode(decoder, '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')).toEqual(common);
    expect(decode(decoder, '8286 84be 5886 a8eb 1064 9cbf')).toEqual([...common, 'cache-control: no-cache']);
    expect(decode(decoder, '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')).toEqual([
      ':method: GET',
      ':scheme: https',
      ':path: /index.html',
      ':authority: www.example.com',
      'custom-key: custom-value',
    ]);
  });

  it('of RFC 7541, appendix C.6: answers with a table of 256 bytes, from which the oldest go', () => {
    const decoder = decoderOf(256);
    expect(
      decode(
        decoder,
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      ),
    ).toEqual([':status: 302', 'cache-control: private', 'date: Mon, 21 Oct 2013 20:13:21 GMT', 'location: https://www.example.com']);
    expect(decode(decoder, '4883 640e ffc1 c0bf')).toEqual([
      ':status: 307',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com',
    ]);
    expect(decode(decoder, '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab')).toContain(
      'date: Mon, 21 Oct 2013 20:13:22 GMT',
    );
    expect(() => decode(decoder, 'ff 00')).toThrow('no field has the index');
  });

  it('are read as they are written, whatever the fields say', async () => {
    const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 300 });
    const name = fc.stringMatching(/^[a-z-]{1,30}$/);
    await fc.assert(
      fc.property(fc.array(fc.oneof(fc.tuple(name, text), fc.constantFrom(...STATIC_TABLE)), { maxLength: 40 }), (fields) => {
        const block = encodeHeaders(fields);
        expect(decoderOf().decode(block, 0, block.length).fields).toEqual(fields);
      }),
    );
  });

  it('that changed nothing are read once, and again after the table has changed', () => {
    const decoder = decoderOf();
    decode(decoder, '4003 666f 6f03 6261 72'); // foo: bar is remembered
    const first = bytesOf('be');
    const known = decoder.decode(first, 0, 1);
    expect(decoder.decode(first, 0, 1)).toBe(known);
    decode(decoder, '4003 6261 7a03 7175 78'); // baz: qux takes its index
    expect(decoder.decode(first, 0, 1).fields).toEqual([['baz', 'qux']]);
  });

  it('over the limit are read to their end and not kept', () => {
    const decoder = decoderOf(4096, 1000);
    const many = encodeHeaders(Array.from({ length: 100 }, (_, at) => [`name-${at}`, 'value'] as const));
    const list = decoder.decode(many, 0, many.length);
    expect(list.tooLarge).toBe(true);
    expect(list.fields.length).toBeLessThan(30);
    expect(decode(decoder, '82')).toEqual([':method: GET']);
  });

  it.each([
    ['an index that nobody has', 'bf'],
    ['the index 0', '80'],
    ['a number without an end', 'ff ff ff ff ff ff ff'],
    ['a text that is longer than the block', '40 0a 61'],
    ['a field without a value', '40 01 61'],
    ['a table that is resized after a field', '82 20'],
    ['a table larger than allowed', '3f e2 1f'],
  ])('with %s are refused', (_, hex) => {
    expect(() => decode(decoderOf(), hex)).toThrow('header block: ');
  });

  it('never make the decoder throw anything but its own error', async () => {
    await fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decoderOf().decode(Buffer.from(bytes), 0, bytes.length);
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'ConnectionError', code: 9 });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('Huffman texts', () => {
  it.each([
    ['padding of more than seven bits', 'ff ff'],
    ['padding that is not all ones', '00'],
    ['the end-of-string symbol', 'ff ff ff ff'],
  ])('with %s are refused', (_, hex) => {
    const bytes = bytesOf(hex);
    expect(() => decodeHuffman(bytes, 0, bytes.length)).toThrow('Huffman');
  });
});
