import { generateKeyPairSync, sign } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { hex, sha256 } from '../../common/bytes.ts';
import { systemClock } from '../../common/clock.ts';
import { CertificateAuthority } from '../material/certificate-authority.ts';
import { curveOrder, toLowS } from './ecdsa.ts';
import { EndorsingSigner } from './endorsing-signer.ts';
import { LocalSigner } from './local-signer.ts';
import { SignatureVerifier } from './signature-verifier.ts';
import { SignatureWork } from './signature-work.ts';

const messageOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('who signs endorsements', () => {
  let local: LocalSigner;
  let verifier: SignatureVerifier;
  let signer: EndorsingSigner;
  let identityId: string;
  /** Where each signature was made. */
  let made: string[];

  beforeEach(async () => {
    const authority = await CertificateAuthority.create({ commonName: 'ca', organization: 'org' }, systemClock.now());
    local = LocalSigner.fromPem({ mspId: 'Org1MSP', ...(await authority.identity({ commonName: 'peer' })) });
    made = [];
    const [now, onThread] = [local.sign.bind(local), local.signOnThread.bind(local)];
    local.sign = (message) => {
      made.push('now');
      return now(message);
    };
    local.signOnThread = (message, done) => {
      made.push('on a thread');
      onThread(message, done);
    };
    const work = new SignatureWork();
    verifier = new SignatureVerifier({ work });
    identityId = hex(sha256(local.certificate.der));
    signer = new EndorsingSigner({ signer: local, identityId, verifier, work });
  });

  const check = (message: Uint8Array, signature: Uint8Array, who = identityId) => ({
    identityId: who,
    key: local.certificate.publicKey,
    hash: 'sha256' as const,
    message,
    signature,
  });

  it('makes signatures that are good, alone at once and many together on threads', async () => {
    const others = new SignatureVerifier();
    const alone = messageOf('alone');
    expect(await others.verify(check(alone, await signer.sign(alone)))).toBe(true);
    expect(made).toEqual(['now']);
    const messages = Array.from({ length: 20 }, (_, index) => messageOf(`message ${index}`));
    const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
    expect(made.slice(1)).toEqual(Array(20).fill('on a thread'));
    for (const [index, message] of messages.entries())
      expect(await others.verify(check(message, signatures[index] as Uint8Array))).toBe(true);
  });

  it('is not alone while something is judged', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const message = messageOf('of somebody else');
    const signature = toLowS(sign('sha256', message, other.privateKey), curveOrder(other.publicKey) ?? 0n); // a high one is refused unjudged
    const judged = [1, 2].map((each) => verifier.verify({ ...check(message, signature, `other ${each}`), key: other.publicKey }));
    await signer.sign(messageOf('mine'));
    expect(made).toEqual(['on a thread']);
    await Promise.all(judged);
  });

  it('spares the verifier what it made, and nothing else', async () => {
    const message = messageOf('endorsed');
    const signature = await signer.sign(message);
    expect(verifier.verify(check(message, signature))).toBe(true); // an answer at once
    expect(await verifier.verify(check(messageOf('another'), signature))).toBe(false);
    expect(verifier.verify(check(message, signature, 'somebody else'))).toBeInstanceOf(Promise);
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    expect(await verifier.verify({ ...check(message, signature, 'somebody new'), key: publicKey })).toBe(false);
  });

  it('rejects with what the signature fails of, and goes on', async () => {
    local.sign = () => {
      throw new Error('the key is gone');
    };
    await expect(signer.sign(messageOf('a'))).rejects.toThrow('the key is gone');
    local.signOnThread = (_, done) => done(new Error('the thread is gone'), new Uint8Array(0));
    const failures = await Promise.allSettled([signer.sign(messageOf('b')), signer.sign(messageOf('c'))]);
    expect(failures.map((failure) => String(Object(failure).reason))).toEqual(Array(2).fill('Error: the thread is gone'));
    local.sign = () => new Uint8Array([1]);
    expect(await signer.sign(messageOf('d'))).toEqual(new Uint8Array([1]));
  });
});
