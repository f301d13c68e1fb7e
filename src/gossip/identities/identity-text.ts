import { X509Certificate } from 'node:crypto';
import { firstPemBlock } from '../../msp/identities/pem.ts';
import { msp } from '../../protos/messages.ts';

/** What is told of bytes that are no certificate. */
const CUT = 60;

/**
 * Who an identity claims to be, in the form that Fabric's logs and refusals have it.
 * @see String of PeerIdentityType in hyperledger/fabric v2.5, gossip/api/crypto.go
 */
export function identityText(identity: Uint8Array): string {
  const base64 = Buffer.from(identity.subarray(0, CUT)).toString('base64');
  try {
    const { mspid, idBytes } = msp.SerializedIdentity.decode(identity);
    const block = firstPemBlock(idBytes);
    if (block === undefined) return `non PEM encoded identity: ${base64}`;
    const { subject, issuer } = new X509Certificate(block.der);
    const [own, above] = [attributesOf(subject), attributesOf(issuer)];
    return JSON.stringify({
      CN: own('CN')[0] ?? '',
      'Issuer-CN': above('CN')[0] ?? '',
      'Issuer-L-ST-C': placeOf(above),
      'Issuer-OU': valuesOf(above('OU')),
      'L-ST-C': placeOf(own),
      MSP: mspid,
      OU: valuesOf(own('OU')),
    });
  } catch {
    return `non x509 identity: ${base64}`; // whatever it is: this only names what is refused already
  }
}

type Attributes = (type: string) => readonly string[];

/** Node has one attribute to a line. */
function attributesOf(name: string | undefined): Attributes {
  const lines = (name ?? '').split('\n');
  return (type) => lines.filter((line) => line.startsWith(`${type}=`)).map((line) => line.slice(type.length + 1));
}

const valuesOf = (values: readonly string[]): readonly string[] | null => (values.length === 0 ? null : values);

const placeOf = (of: Attributes): string => ['L', 'street', 'C'].map((type) => `[${of(type).join(' ')}]`).join('-');
