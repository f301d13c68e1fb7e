import 'reflect-metadata'; // what @peculiar/x509 registers its parts with; must be loaded before it
import * as x509 from '@peculiar/x509';
import { textOf, utf8 } from '../../common/bytes.ts';

/** Attributes of an identity, which chaincode asks for by name. */
export type Attributes = Readonly<Record<string, string>>;

/** Where Fabric's CA puts them. @see lib/attrmgr in hyperledger/fabric-ca v1.5, internal/pkg/attrmgr */
const ATTRIBUTES_OID = '1.2.3.4.5.6.7.8.1';

/** The extension as Fabric's CA writes it: not critical, its value the JSON `{"attrs":{…}}` with sorted names. */
export function attributesExtension(attributes: Attributes): x509.Extension {
  const attrs = Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
  return new x509.Extension(ATTRIBUTES_OID, false, utf8(JSON.stringify({ attrs })));
}

/** The attributes in a certificate, in PEM; none where it has none. */
export function attributesOf(certificate: string): Attributes {
  const value = new x509.X509Certificate(certificate).getExtension(ATTRIBUTES_OID)?.value;
  if (value === undefined) return {};
  const { attrs } = JSON.parse(textOf(new Uint8Array(value))) as { readonly attrs: Attributes };
  return attrs;
}
