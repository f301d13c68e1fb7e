import { SelvageError } from '../common/errors.ts';
import { discovery } from '../protos/messages.ts';
import { unreadable } from '../protos/unreadable.ts';
import { OF_STRANGERS } from '../protos/wire.ts';
import { isBoundTo } from './tls-binding.ts';

/** Who asks, as far as the connection says it. */
export interface Asker {
  readonly remote: string;
  /** DER of the TLS certificate that it showed. */
  readonly peerCertificate: Uint8Array | undefined;
}

/** Of one request: clients ask a handful of things of a handful of channels. */
const MOST_QUERIES = 100;
/** Interests, chaincodes and collections in one request together. */
const MOST_NAMED = 1_000;

interface DiscoveryRequest {
  /** `SerializedIdentity` bytes of who claims to ask. */
  readonly identity: Uint8Array;
  readonly queries: readonly discovery.Query[];
}

/**
 * Reads a request. Nothing is verified yet; but whoever is claimed to ask does so over a connection that showed the certificate it speaks
 * of, and no more than an honest client would.
 * @throws {SelvageError} `DISCOVERY_REFUSED`
 * @see validateStructure in hyperledger/fabric v2.5, discovery/service.go, whose texts these are
 */
export function readRequest({ payload }: discovery.SignedRequest, { peerCertificate }: Asker): DiscoveryRequest {
  const { authentication, queries } = decoded(payload);
  if (authentication === undefined) throw refused('access denied, no authentication info in request');
  const { clientIdentity: identity, clientTlsCertHash } = authentication;
  if (identity.length === 0) throw refused("access denied, client identity wasn't supplied");
  if (peerCertificate !== undefined && !isBoundTo(peerCertificate, clientTlsCertHash))
    throw refused("client claimed TLS hash doesn't match computed TLS hash from gRPC stream");
  if (queries.length > MOST_QUERIES) throw refused(`a request has at most ${MOST_QUERIES} queries, this one has ${queries.length}`);
  const named = queries.reduce((sum, query) => sum + namesIn(query), 0);
  if (named > MOST_NAMED) throw refused(`a request names at most ${MOST_NAMED} chaincodes and collections, this one ${named}`);
  return { identity, queries };
}

function namesIn({ peerQuery, ccQuery }: discovery.Query): number {
  const interests = [...(peerQuery?.filter === undefined ? [] : [peerQuery.filter]), ...(ccQuery?.interests ?? [])];
  const calls = interests.flatMap(({ chaincodes }) => chaincodes);
  return interests.length + calls.reduce((sum, { collectionNames }) => sum + 1 + collectionNames.length, 0);
}

function decoded(payload: Uint8Array): discovery.Request {
  try {
    return discovery.Request.decode(payload, OF_STRANGERS);
  } catch (cause) {
    throw refused(`failed parsing request: ${unreadable(cause)}`, cause);
  }
}

const refused = (why: string, cause?: unknown): SelvageError =>
  new SelvageError('DISCOVERY_REFUSED', why, cause === undefined ? {} : { cause });
