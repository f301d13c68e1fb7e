/**
 * What a connection failed with: one list of what Node, grpc-js and OpenSSL say, for whoever dials. What it means for the person
 * depends on who dialled whom with which settings, so that is told there.
 */
export type DialCause =
  /** Nothing listens at the address. */
  | 'refused'
  | 'unresolvable'
  | 'unreachable'
  /** The other side wants a client certificate, and got none. */
  | 'client-certificate-missing'
  /** The other side does not trust who issued the client certificate. */
  | 'client-certificate-untrusted'
  | 'client-certificate-expired'
  | 'client-certificate-refused'
  /** The other side's certificate has expired, or is not valid yet. */
  | 'expired'
  /** The other side's certificate is for another name. */
  | 'misnamed'
  /** The other side's certificate was not issued by what we trust. */
  | 'untrusted'
  /** What answers there speaks no TLS. */
  | 'plain'
  /** The connection was accepted and then closed: of it nothing more is known. */
  | 'closed'
  /** There was no answer in time. */
  | 'silent';

/** The more special come first. */
const SIGNS: readonly (readonly [pattern: RegExp, cause: DialCause])[] = [
  [/ECONNREFUSED/, 'refused'],
  [/ENOTFOUND|EAI_AGAIN|Name resolution/i, 'unresolvable'],
  [/EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/, 'unreachable'],
  [/alert certificate required|alert handshake failure/i, 'client-certificate-missing'],
  [/alert unknown ca/i, 'client-certificate-untrusted'],
  [/alert certificate expired/i, 'client-certificate-expired'],
  [/alert (?:bad|unsupported|revoked|unknown) ?certificate|alert certificate (?:revoked|unknown)/i, 'client-certificate-refused'],
  [/certificate has expired|certificate is not yet valid/i, 'expired'],
  [/altname/i, 'misnamed'],
  [/unable to (?:verify|get)[^\n]*certificate|self.signed|unknown ca|unknown authority|invalid CA/i, 'untrusted'],
  [/wrong version number|packet length too long|http request/i, 'plain'],
  [/Failed to connect|closed the connection|ECONNRESET|socket disconnected|hang up|EPIPE/i, 'closed'],
];

export const dialCauseOf = (reason: string): DialCause => SIGNS.find(([pattern]) => pattern.test(reason))?.[1] ?? 'silent';

/** The words of OpenSSL without its own places and times. */
export const plainReason = (reason: string): string =>
  reason
    .replace(/ ?\(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, '')
    .replace(/[0-9A-F]{8,}:error:[0-9A-F]+:[^:\n]*:[^:\n]*:([^:\n]*):[^\n]*/g, '$1')
    .trim();

/** What an error of Node says, in one text: some have their meaning in the code alone, some in the message alone. */
export const wordsOf = (error: Error): string =>
  'code' in error && !error.message.includes(String(error.code)) ? `${error.message} [${String(error.code)}]`.trim() : error.message;
