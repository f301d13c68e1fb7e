import type { HeaderList } from './hpack/decoder.ts';
import type { Field } from './hpack/static-table.ts';

/** What a request's header fields say, as far as gRPC needs it. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  /** Milliseconds that the caller waits for an answer. */
  readonly timeoutMs: number | undefined;
  /** Bytes of data that the request says it has. */
  readonly contentLength: number | undefined;
}

/** Fields that HTTP/2 has no place for (RFC 9113, section 8.2.2). */
const OF_THE_CONNECTION = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
const PSEUDO = new Set([':method', ':scheme', ':path', ':authority']);

const known = new WeakMap<HeaderList, RequestHead>();

/**
 * A request's head, or undefined when it is malformed.
 * @see RFC 9113, section 8.3.1
 */
export function readRequestHead(list: HeaderList): RequestHead | undefined {
  const before = known.get(list);
  if (before !== undefined) return before;
  const fields = wellFormed(list.fields);
  const method = fields?.get(':method');
  const path = fields?.get(':path');
  if (fields === undefined || method === undefined || !path || fields.get(':scheme') === undefined) return undefined;
  const contentLength = fields.get('content-length');
  if (contentLength !== undefined && !/^\d{1,15}$/.test(contentLength)) return undefined;
  const head: RequestHead = {
    method,
    path,
    contentType: fields.get('content-type') ?? '',
    timeoutMs: parseTimeout(fields.get('grpc-timeout')),
    contentLength: contentLength === undefined ? undefined : Number(contentLength),
  };
  known.set(list, head);
  return head;
}

/** Whether trailers are nothing but ordinary fields. */
export const wellFormedTrailers = (fields: readonly Field[]): boolean => fields.every(([name]) => ordinary(name));

function wellFormed(fields: readonly Field[]): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  let pseudoMayCome = true;
  for (const [name, value] of fields) {
    if (name.startsWith(':')) {
      if (!pseudoMayCome || !PSEUDO.has(name) || found.has(name)) return undefined;
    } else {
      pseudoMayCome = false;
      if (!ordinary(name) || (name === 'te' && value !== 'trailers')) return undefined;
    }
    if (!found.has(name)) found.set(name, value);
  }
  return found;
}

const ordinary = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) && !OF_THE_CONNECTION.has(name);

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** `grpc-timeout`: at most eight digits and a unit. What has another form counts as absent. */
function parseTimeout(text: string | undefined): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text ?? '') ?? [];
  return digits === undefined || unit === undefined ? undefined : Math.ceil(Number(digits) * (UNITS[unit] as number));
}
