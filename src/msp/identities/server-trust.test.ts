import { describe, expect, it } from 'vitest';
import { extendedKeyUsage, type Issued, issue } from '../../../test/certificates.ts';
import { ServerTrust } from './server-trust.ts';

const CLIENT_ONLY = '1.3.6.1.5.5.7.3.2';
const at = (text: string): Date => new Date(`${text}T12:00:00Z`);
const dates = { notBefore: '2020-01-01T00:00:00Z', notAfter: '2022-01-01T00:00:00Z' };
const problem = (roots: readonly Issued[], shown: readonly Issued[], when = '2021-01-01'): string | undefined =>
  new ServerTrust(roots.map(({ pem }) => pem)).problemAt(
    shown.map(({ der }) => der),
    at(when),
  );

describe('what a server shows', () => {
  it('is judged as of the time that is asked about, its authorities too', async () => {
    const root = await issue({ subject: 'CN=root', ca: true, ...dates });
    const leaf = await issue({ subject: 'CN=leaf', issuer: root, ...dates });
    const longer = await issue({ subject: 'CN=leaf', issuer: root, ...dates, notAfter: '2030-01-01T00:00:00Z' });
    expect(problem([root], [leaf])).toBeUndefined();
    for (const when of ['2019-12-31', '2022-01-02']) expect(problem([root], [leaf], when)).toMatch(/has expired or is not yet valid/);
    expect(problem([root], [longer], '2022-01-02')).toMatch(/has expired or is not yet valid/);
  });

  it('may bring intermediates along, and needs nobody above whom the file trusts', async () => {
    const root = await issue({ subject: 'CN=root', ca: { pathLength: 1 }, ...dates });
    const middle = await issue({ subject: 'CN=middle', ca: true, issuer: root, ...dates });
    const low = await issue({ subject: 'CN=low', ca: true, issuer: middle, ...dates });
    const leaf = await issue({ subject: 'CN=leaf', issuer: middle, ...dates });
    const lower = await issue({ subject: 'CN=lower', issuer: low, ...dates });
    expect(problem([root], [leaf, middle])).toBeUndefined();
    expect(problem([root], [leaf])).toMatch(/unknown authority/);
    expect(problem([middle], [leaf])).toBeUndefined();
    expect(problem([leaf], [leaf])).toBeUndefined();
    expect(problem([root], [lower, low, middle])).toMatch(/too many intermediates/);
    expect(problem([middle], [lower, low])).toBeUndefined();
  });

  it('is refused where the signature, the use or the text is wrong', async () => {
    const root = await issue({ subject: 'CN=root', ca: true, ...dates });
    const namesake = await issue({ subject: 'CN=root', ca: true, ...dates });
    const leaf = await issue({ subject: 'CN=leaf', issuer: namesake, ...dates });
    const client = await issue({ subject: 'CN=leaf', issuer: root, ...dates, extensions: [extendedKeyUsage(CLIENT_ONLY)] });
    const underLeaf = await issue({ subject: 'CN=under', issuer: client, ...dates });
    expect(problem([root], [leaf])).toMatch(/unknown authority/);
    expect(problem([root], [client])).toMatch(/incompatible key usage/);
    expect(problem([root], [underLeaf, client])).toMatch(/not authorized to sign/);
    expect(problem([root], [])).toMatch(/empty certificates/);
    expect(new ServerTrust([root.pem]).problemAt([new Uint8Array([1, 2])], at('2021-01-01'))).toMatch(/./);
  });

  it('is trusted by every certificate of a file, whatever stands between them', async () => {
    const [one, two] = [await issue({ subject: 'CN=one', ca: true, ...dates }), await issue({ subject: 'CN=two', ca: true, ...dates })];
    const leaf = await issue({ subject: 'CN=leaf', issuer: two, ...dates });
    const broken = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
    expect(
      new ServerTrust([`# ours\n${one.pem}text\n${broken}${two.pem.trimEnd()}`]).problemAt([leaf.der], at('2021-01-01')),
    ).toBeUndefined();
  });
});
