import { messageOf } from '../../common/errors.ts';
import { CaTree } from './ca-tree.ts';
import { Certificate } from './certificate.ts';
import { firstPemBlock } from './pem.ts';

/**
 * Judges the certificates that servers show in TLS as Go's client does, at whatever time it is asked about: the TLS library knows the
 * clock of this machine alone. Each root is trusted for itself, an intermediate authority too. Names are not looked at.
 * @see Config.Time and VerifyOptions.CurrentTime in Go, crypto/tls and crypto/x509
 */
export class ServerTrust {
  readonly #roots: readonly Certificate[];

  /** @param pems each with one certificate or several; what does not parse is passed over, as in Go */
  constructor(pems: readonly (string | Uint8Array)[]) {
    this.#roots = pems.flatMap((pem) => [...certificatesIn(Buffer.from(pem).toString('latin1'))]);
  }

  /** @param shown DER, the server's own first @returns what is wrong with them at that time, in Go's words; undefined for nothing */
  problemAt(shown: readonly Uint8Array[], at: Date): string | undefined {
    try {
      const [own, ...intermediates] = shown.map((der) => new Certificate(der));
      if (own === undefined) return 'tls: received empty certificates message';
      return new CaTree({ roots: this.#roots, intermediates }).problemAt(own, at);
    } catch (thrown) {
      return messageOf(thrown);
    }
  }
}

function* certificatesIn(text: string): Generator<Certificate> {
  let rest = text;
  for (let block = firstPemBlock(rest); block !== undefined; block = firstPemBlock(rest)) {
    const certificate = block.label === 'CERTIFICATE' ? certificateOf(block.der) : undefined;
    if (certificate !== undefined) yield certificate;
    rest = rest.slice(block.end);
  }
}

function certificateOf(der: Uint8Array): Certificate | undefined {
  try {
    return new Certificate(der);
  } catch {
    return undefined;
  }
}
