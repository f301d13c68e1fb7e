import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Issued, issue } from '../../test/certificates.ts';
import { freePort } from '../../test/free-ports.ts';
import { PeerClient } from '../client/peer-client.ts';
import { listen } from '../comm/server.ts';
import type { ClientTls } from '../comm/tls.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { checkAddress, checkedRoots, checkPair, type Endpoint, reach } from './endpoint.ts';

const never = new AbortController().signal;
const SETTINGS = { address: 'ADDRESS', tls: 'TLS', roots: 'ROOTS', rootsFile: '/roots.pem', hostname: 'HOSTNAME', client: 'CLIENT' };

let ca: Issued;
let other: Issued;
let server: { readonly key: string; readonly cert: string };
let client: { readonly key: string; readonly cert: string };
let stranger: { readonly key: string; readonly cert: string };
let expired: { readonly key: string; readonly cert: string };

async function pair(subject: string, issuer: Issued, dates: { readonly notAfter?: string } = {}) {
  const issued = await issue({ subject, issuer, ...dates });
  return { key: String(issued.privateKey.export({ type: 'pkcs8', format: 'pem' })), cert: issued.pem };
}

beforeAll(async () => {
  [ca, other] = [await issue({ subject: 'CN=Right', ca: true }), await issue({ subject: 'CN=Wrong', ca: true })];
  server = await pair('CN=elsewhere', ca);
  client = await pair('CN=client', ca);
  stranger = await pair('CN=stranger', other);
  expired = await pair('CN=late', ca, { notAfter: '2020-01-01' });
});

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const serve = async (tls?: { readonly key: string; readonly cert: string; readonly clientRoots?: readonly string[] }): Promise<string> =>
  `127.0.0.1:${scope.use(await listen({ address: '127.0.0.1:0', methods: [], log: silent, tls })).port}`;

async function adviceOn(address: string, tls: ClientTls | undefined, what: 'peer' | 'orderer' = 'peer', timeoutMs = 1000) {
  const endpoint: Endpoint = { what, address, tls, settings: SETTINGS };
  const connection = scope.use(new PeerClient(endpoint));
  return reach(connection, endpoint, { timeoutMs, signal: never }).then(
    () => 'reached',
    (thrown: { readonly code: string; readonly advice: string }) => `${thrown.code}: ${thrown.advice}`,
  );
}

const trusting = (roots: Issued, more: Partial<ClientTls> = {}): ClientTls => ({
  roots: roots.pem,
  hostnameOverride: 'elsewhere',
  ...more,
});

describe('an endpoint', () => {
  it('is reached with the settings that it needs', async () => {
    expect(await adviceOn(await serve(), undefined)).toBe('reached');
    expect(await adviceOn(await serve(server), trusting(ca))).toBe('reached');
    expect(await adviceOn(await serve({ ...server, clientRoots: [ca.pem] }), trusting(ca, client))).toBe('reached');
  });

  it('that speaks no TLS, or does, is told from its answer', async () => {
    expect(await adviceOn(await serve(), trusting(ca))).toContain('speaks no TLS: set TLS=false');
    expect(await adviceOn(await serve(), trusting(ca), 'orderer')).toContain('speaks no TLS: leave TLS out');
    expect(await adviceOn(await serve(server), undefined)).toContain('speaks TLS, and TLS does not ask for it: set TLS=true and ROOTS');
    expect(await adviceOn(await serve(server), undefined, 'orderer')).toContain('add TLS and ROOTS FILE');
  });

  it('that is not trusted shows its issuer, and whom the file trusts', async () => {
    const advice = await adviceOn(await serve(server), trusting(other));
    expect(advice).toContain('(its issuer is CN=Right) was not issued by CN=Wrong in /roots.pem: let ROOTS name');
  });

  it('that is of another name, or of another time, says so', async () => {
    expect(await adviceOn(await serve(server), { roots: ca.pem, hostnameOverride: 'here' })).toContain('or set HOSTNAME to one');
    expect(await adviceOn(await serve(expired), trusting(ca, { hostnameOverride: 'late' }))).toContain('has expired, or is not valid yet');
  });

  it('that asks for a client certificate, or refuses ours, says so', async () => {
    const address = await serve({ ...server, clientRoots: [ca.pem] });
    expect(await adviceOn(address, trusting(ca))).toContain('asks for a client certificate: set CLIENT');
    expect(await adviceOn(address, trusting(ca, stranger))).toMatch(/client certificate.*CLIENT/);
  });

  it('where nobody is has as long as it may to come', async () => {
    const port = await freePort();
    expect(await adviceOn(`127.0.0.1:${port}`, undefined, 'peer', 200)).toContain(`Nothing listens at 127.0.0.1:${port}: start the peer`);
    const late = adviceOn(`127.0.0.1:${port}`, undefined, 'peer', 200_000);
    scope.use(await listen({ address: `127.0.0.1:${port}`, methods: [], log: silent }));
    expect(await late).toBe('reached');
  });

  it('has an address with a port', () => {
    for (const good of ['localhost:7051', '[::1]:7051', '10.0.0.1:1']) expect(() => checkAddress(good, 'ADDRESS')).not.toThrow();
    for (const bad of ['localhost', '', 'a:1,b:2', 'a:0', 'a:65536', 'grpcs://a:1', 'a b:1', '::1:7051'])
      expect(() => checkAddress(bad, 'ADDRESS')).toThrow('is no address: ADDRESS takes HOST:PORT');
  });
});

describe('a file of trusted certificates', () => {
  it('may hold other things beside them', () => {
    expect(checkedRoots(`${server.key}${ca.pem}`, '/f', 'ROOTS')).toContain(ca.pem);
  });

  it.each([
    ['-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n', '/f, which ROOTS names, holds no certificate but a PRIVATE KEY'],
    ['hello', 'holds no certificate but no PEM text'],
    ['-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n', 'holds no certificate but one that does not parse'],
  ])('%j is none', (pem, message) => {
    expect(() => checkedRoots(pem, '/f', 'ROOTS')).toThrow(message);
  });
});

describe('a certificate and its key', () => {
  it('belong together', () => {
    expect(() => checkPair(client, 'BOTH')).not.toThrow();
    expect(() => checkPair({ ...client, key: stranger.key }, 'BOTH')).toThrow('the key and the certificate of BOTH do not belong together');
    expect(() => checkPair({ ...client, key: 'no key' }, 'BOTH')).toThrow('BOTH do not name a certificate and a key in PEM');
  });
});
