import { checkServerIdentity, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';

/** @param shown DER of what a server shows, its own certificate first @returns what is wrong with it; undefined for nothing */
export type JudgeServer = (shown: readonly Uint8Array[]) => string | undefined;

/**
 * What is wrong with the server at a connection that was made without the TLS library's judgement: its chain as `judge` says, then its
 * name as ever.
 * @param name what the certificate has to be for
 */
export function problemOfServer(socket: TLSSocket, name: string, judge: JudgeServer): Error | undefined {
  const own = socket.getPeerCertificate(true);
  const problem = judge(chainIn(own));
  return problem === undefined ? checkServerIdentity(name, own) : new Error(problem);
}

/** Node links each certificate to that of its issuer, and a root to itself; who showed nothing has an empty object. */
function chainIn(own: DetailedPeerCertificate): readonly Uint8Array[] {
  const chain = new Set<DetailedPeerCertificate>();
  for (let each: DetailedPeerCertificate | undefined = own; each?.raw !== undefined && !chain.has(each); each = each.issuerCertificate)
    chain.add(each);
  return [...chain].map(({ raw }) => raw);
}
