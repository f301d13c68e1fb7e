import { ConnectionError, ErrorCode } from '../protocol.ts';
import { DynamicTable, sizeOf } from './dynamic-table.ts';
import { decodeHuffman } from './huffman.ts';
import { type Field, STATIC_TABLE } from './static-table.ts';

/** The fields of a header block; `tooLarge` when the list is over the limit: then its rest was read and not kept. */
export interface HeaderList {
  readonly fields: readonly Field[];
  readonly tooLarge: boolean;
}

export interface DecoderLimits {
  /** Bytes that the table of remembered fields may take; what we announce as SETTINGS_HEADER_TABLE_SIZE. */
  readonly tableBytes: number;
  /** Bytes of all names and values of one list, 32 more for each field. */
  readonly listBytes: number;
}

/** How many blocks are kept decoded, and how long one may be. */
const KEPT_BLOCKS = 64;
const KEPT_BLOCK_BYTES = 512;

/**
 * Reads header blocks (HPACK, RFC 7541).
 *
 * Clients send the same few bytes for every call once their fields are in the table, so a block that changed nothing is kept with
 * what it meant, for as long as the table stays as it is.
 */
export class HpackDecoder {
  readonly #limits: DecoderLimits;
  readonly #table: DynamicTable;
  readonly #kept = new Map<string, HeaderList>();
  #keptOf = 0;
  // Where the block that is being read has got to.
  #bytes: Buffer = EMPTY;
  #at = 0;
  #end = 0;

  constructor(limits: DecoderLimits) {
    this.#limits = limits;
    this.#table = new DynamicTable(limits.tableBytes);
  }

  /** @throws {ConnectionError} COMPRESSION_ERROR: the table is not what the other side thinks it is any more */
  decode(bytes: Buffer, start: number, end: number): HeaderList {
    const generation = this.#table.generation;
    if (generation !== this.#keptOf) {
      this.#kept.clear();
      this.#keptOf = generation;
    }
    const key = end - start <= KEPT_BLOCK_BYTES ? bytes.toString('latin1', start, end) : undefined;
    const known = key === undefined ? undefined : this.#kept.get(key);
    if (known !== undefined) return known;
    const list = this.#read(bytes, start, end);
    if (key !== undefined && generation === this.#table.generation && this.#kept.size < KEPT_BLOCKS) this.#kept.set(key, list);
    return list;
  }

  #read(bytes: Buffer, start: number, end: number): HeaderList {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const fields: Field[] = [];
    let size = 0;
    while (this.#at < end) {
      const field = this.#field(size === 0 && fields.length === 0);
      if (field === undefined) continue;
      size += sizeOf(field);
      if (size <= this.#limits.listBytes) fields.push(field);
    }
    this.#bytes = EMPTY;
    return { fields, tooLarge: size > this.#limits.listBytes };
  }

  /** The next field; undefined where the table was resized, which only the begin of a block may do. */
  #field(first: boolean): Field | undefined {
    const byte = this.#bytes[this.#at] as number;
    if (byte >= 0x80) return this.#indexed(this.#integer(7));
    if (byte >= 0x40) {
      const field = this.#literal(6);
      this.#table.insert(field);
      return field;
    }
    if (byte < 0x20) return this.#literal(4); // without indexing, or never to be indexed
    if (!first) throw broken('the table is resized in the middle of a block');
    const size = this.#integer(5);
    if (size > this.#limits.tableBytes) throw broken(`a table of ${size} bytes, where ${this.#limits.tableBytes} are allowed`);
    this.#table.resize(size);
    return undefined;
  }

  #indexed(index: number): Field {
    const field = index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1] : this.#table.at(index - STATIC_TABLE.length - 1);
    if (field === undefined) throw broken(`no field has the index ${index}`);
    return field;
  }

  #literal(prefixBits: number): Field {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#indexed(index)[0];
    return [name, this.#string()];
  }

  #string(): string {
    if (this.#at >= this.#end) throw broken('a block that ends within a field');
    const huffman = (this.#bytes[this.#at] as number) >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    if (length > this.#end - start) throw broken('a block that ends within a text');
    this.#at += length;
    return huffman ? decodeHuffman(this.#bytes, start, this.#at) : this.#bytes.toString('latin1', start, this.#at);
  }

  /** An integer whose first bits share their byte with something else (RFC 7541, section 5.1). */
  #integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = (this.#bytes[this.#at++] as number) & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) throw broken('a block that ends within a number');
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw broken('a number that is too large');
  }
}

const EMPTY: Buffer = Buffer.alloc(0);

const broken = (reason: string): ConnectionError => new ConnectionError(ErrorCode.COMPRESSION_ERROR, `header block: ${reason}`);
