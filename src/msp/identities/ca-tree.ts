import { equalBytes, hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Certificate } from './certificate.ts';
import { KEY_CERT_SIGN } from './certificate-extensions.ts';
import { curveOrder } from './ecdsa.ts';
import { sanitised } from './sanitise.ts';
import { isEcdsaSigned } from './x509-signature.ts';

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USAGE = '2.5.29.37.0';
/** As many certificates as Go tries before it gives up on a hostile set. */
const MAX_SIGNATURE_CHECKS = 100;

export interface CaCertificates {
  readonly roots: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
}

/** From a certificate to its root; the certificate itself comes first. */
export type Chain = readonly [Certificate, ...Certificate[]];

const invalid = (why: string): SelvageError => new SelvageError('IDENTITY_INVALID', why);

/**
 * The certification authorities of one MSP and Go's chain rules over them, with the clock set to one second after the
 * certificate's own start: an expired certificate keeps its chain.
 * @see getValidityOptsForCert in hyperledger/fabric v2.5, msp/mspimplsetup.go; Verify in Go, crypto/x509/verify.go
 */
export class CaTree {
  readonly roots: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #rootSet: ReadonlySet<Certificate>;
  /** Signature checks between authorities, which repeat with every leaf. */
  readonly #issued = new WeakMap<Certificate, Map<Certificate, boolean>>();

  constructor({ roots, intermediates }: CaCertificates) {
    this.roots = distinct(roots);
    this.intermediates = distinct(intermediates);
    this.#rootSet = new Set(this.roots);
    for (const authority of [...this.roots, ...this.intermediates]) {
      const same = this.#bySubject.get(authority.subject);
      if (same === undefined) this.#bySubject.set(authority.subject, [authority]);
      else same.push(authority);
    }
  }

  /** The configured authority with exactly these bytes. */
  find(certificate: Certificate): Certificate | undefined {
    return this.#bySubject.get(certificate.subject)?.find((authority) => authority.equals(certificate));
  }

  /**
   * What keeps a certificate from being one of a server at a time, in Go's words; undefined where there is a chain. Several will do.
   * @see Verify in Go, crypto/x509/verify.go, as crypto/tls asks it
   */
  problemAt(certificate: Certificate, at: Date): string | undefined {
    const { chains, problem } = this.#chainsAt(certificate, at.getTime());
    return chains.length > 0 ? undefined : problem;
  }

  /**
   * The one chain from a certificate to a root.
   * @throws {SelvageError} `IDENTITY_INVALID` when there is none, or more than one
   */
  chainOf(certificate: Certificate): Chain {
    const { chains, problem } = this.#chainsAt(certificate, certificate.notBefore.getTime() + 1_000);
    const [chain] = chains;
    if (chain === undefined) throw invalid(`the supplied identity is not valid: ${problem}`);
    if (chains.length > 1) throw invalid(`this MSP only supports a single validation chain, got ${chains.length}`);
    return chain;
  }

  /**
   * The certificate with a low-S issuer signature; certificates not signed with ECDSA come back as they are, unverified. An
   * authority that signed itself needs nobody else, so that roots can be sanitised before there is a tree.
   * @throws {SelvageError} `IDENTITY_INVALID` when it has no chain here
   * @see sanitizeCert in hyperledger/fabric v2.5, msp/mspimpl.go
   */
  sanitise(certificate: Certificate): { readonly certificate: Certificate; readonly chain: Chain | undefined } {
    if (!isEcdsaSigned(certificate)) return { certificate, chain: undefined };
    if (certificate.isCa && certificate.isSignedWith(certificate)) {
      const root = sanitised(certificate, orderOf(certificate));
      return { certificate: root, chain: new CaTree({ roots: [root], intermediates: [] }).chainOf(root) };
    }
    const [, issuer, ...above] = this.chainOf(certificate);
    if (issuer === undefined) throw invalid('failed to traverse certificate verification chain for leaf or intermediate certificate');
    const clean = sanitised(certificate, orderOf(issuer));
    return { certificate: clean, chain: [clean, issuer, ...above] };
  }

  /** `problem` is why there are none. */
  #chainsAt(certificate: Certificate, at: number): { readonly chains: readonly Chain[]; readonly problem: string } {
    const own = problemOf(certificate, [], at);
    if (own !== undefined) return { chains: [], problem: own };
    const search: Search = { at, checks: 0, chains: [], hint: undefined };
    const root = this.roots.find((candidate) => candidate.equals(certificate));
    if (root !== undefined) search.chains.push([root]);
    else this.#extend([certificate], search);
    const problem = search.chains.length > 0 ? 'x509: certificate specifies an incompatible key usage' : search.hint;
    return { chains: search.chains.filter(usableForServers), problem: problem ?? UNKNOWN_AUTHORITY };
  }

  #extend(chain: Chain, search: Search): void {
    const child = chain[chain.length - 1] ?? chain[0];
    for (const parent of this.#bySubject.get(child.issuer) ?? []) {
      if (chain.some((seen) => sameAuthority(seen, parent))) continue;
      search.checks += 1;
      if (search.checks > MAX_SIGNATURE_CHECKS)
        throw invalid('x509: signature check attempts limit reached while verifying certificate chain');
      const problem = problemOf(parent, chain, search.at) ?? (this.#isIssued(child, parent) ? undefined : BAD_SIGNATURE);
      if (problem !== undefined) {
        search.hint ??= problem;
        continue;
      }
      if (this.#rootSet.has(parent)) search.chains.push([...chain, parent]);
      else this.#extend([...chain, parent], search);
    }
  }

  #isIssued(child: Certificate, parent: Certificate): boolean {
    let answers = this.#issued.get(child);
    if (answers === undefined) {
      answers = new Map();
      this.#issued.set(child, answers);
    }
    let answer = answers.get(parent);
    if (answer === undefined) {
      answer = child.isSignedWith(parent);
      answers.set(parent, answer);
    }
    return answer;
  }
}

function orderOf(issuer: Certificate): bigint {
  const order = curveOrder(issuer.publicKey);
  if (order === undefined) throw invalid('the issuer of an ECDSA signature has a key on a curve that Fabric does not know');
  return order;
}

interface Search {
  readonly at: number;
  checks: number;
  readonly chains: Chain[];
  hint: string | undefined;
}

const UNKNOWN_AUTHORITY = 'x509: certificate signed by unknown authority';
const BAD_SIGNATURE = `${UNKNOWN_AUTHORITY} (the signature is not the candidate's)`;

/** What keeps a certificate out of a chain; `below` is the chain under it, empty when it is the leaf itself. */
function problemOf(certificate: Certificate, below: readonly Certificate[], at: number): string | undefined {
  const { isCa, keyUsage, maxPathLength, unhandledCritical, hasNameConstraints } = certificate.extensions;
  if (unhandledCritical.length > 0) return `x509: unhandled critical extension ${unhandledCritical.join(', ')}`;
  if (at < certificate.notBefore.getTime() || at > certificate.notAfter.getTime())
    return 'x509: certificate has expired or is not yet valid';
  if (below.length === 0) return undefined;
  if (!isCa || (keyUsage !== undefined && (keyUsage & KEY_CERT_SIGN) === 0))
    return 'x509: certificate is not authorized to sign other certificates';
  if (maxPathLength !== undefined && below.length - 1 > maxPathLength) return 'x509: too many intermediates for path length constraint';
  if (hasNameConstraints) return 'x509: name constraints of certification authorities are not supported';
  return undefined;
}

/** Go asks for server authentication unless told otherwise, and Fabric does not: whoever lists usages must list that one or any. */
const usableForServers = (chain: Chain): boolean =>
  chain.every(
    ({ extensions: { extendedKeyUsages: usages } }) => usages.length === 0 || usages.includes(SERVER_AUTH) || usages.includes(ANY_USAGE),
  );

const sameAuthority = (a: Certificate, b: Certificate): boolean => a.subject === b.subject && equalBytes(a.publicKeyInfo, b.publicKeyInfo);

function distinct(certificates: readonly Certificate[]): Certificate[] {
  const byContent = new Map<string, Certificate>();
  for (const certificate of certificates) {
    const id = hex(certificate.der);
    if (!byContent.has(id)) byContent.set(id, certificate);
  }
  return [...byContent.values()];
}
