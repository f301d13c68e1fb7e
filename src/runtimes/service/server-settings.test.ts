import { describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { CertificateAuthority } from '../../msp/material/certificate-authority.ts';
import { parseServerSettings } from './server-settings.ts';

const parse = (value: unknown) => parseServerSettings(JSON.stringify(value), '/release/connection.json');
const authority = await CertificateAuthority.create({ commonName: 'ca', organization: 'test' }, systemClock.now());
const [peer, stranger] = [
  await authority.tls({ commonName: 'peer', hosts: [] }),
  await authority.tls({ commonName: 'stranger', hosts: [] }),
];
const tls = { address: 'cc:9999', tls_required: true, root_cert: authority.own.certificate };

describe('connection.json', () => {
  it('needs only an address', () => {
    expect(parse({ address: 'cc.example.com:9999' })).toEqual({ address: 'cc.example.com:9999', dialTimeoutMs: 3000, tls: undefined });
  });

  it.each([
    ['10s', 10_000],
    ['1m30s', 90_000],
    [2_000_000_000, 2_000],
    ['', 3_000],
    [null, 3_000],
    [0, 3_000],
  ])('reads the dial timeout %s', (dial_timeout, ms) => {
    expect(parse({ address: 'cc:1', dial_timeout }).dialTimeoutMs).toBe(ms);
  });

  it('ignores certificates when TLS is not required, as Fabric does', () => {
    expect(parse({ address: 'cc:1', root_cert: 'nonsense', client_auth_required: true }).tls).toBeUndefined();
  });

  it('keeps the domain', () => {
    expect(parse({ ...tls, domain: 'cc.internal' }).tls).toEqual({ rootCert: tls.root_cert, client: undefined, domain: 'cc.internal' });
  });

  it('takes a client certificate with its key', () => {
    const settings = parse({ ...tls, client_auth_required: true, client_key: peer.privateKey, client_cert: peer.certificate });
    expect(settings.tls?.client).toEqual({ key: peer.privateKey, cert: peer.certificate });
  });

  it.each([
    [{}, 'chaincode address not provided'],
    [{ address: 'http://cc:1' }, "chaincode address 'http://cc:1' is not host:port"],
    [{ address: 'cc' }, "chaincode address 'cc' is not host:port"],
    [{ address: 5 }, 'address is not a text'],
    [{ address: 'cc:1', dial_timeout: 'soon' }, 'dial_timeout is not a duration like 10s'],
    [{ address: 'cc:1', tls_required: 'yes' }, 'tls_required is not true or false'],
    [{ address: 'cc:1', tls_required: true }, 'chaincode tls root cert not provided'],
    [{ ...tls, root_cert: '/etc/ca.pem' }, 'root_cert is no certificate in PEM'],
    [{ ...tls, client_auth_required: true }, 'chaincode tls key not provided'],
    [{ ...tls, client_auth_required: true, client_key: 'key' }, 'chaincode tls cert not provided'],
    [{ ...tls, client_auth_required: true, client_key: 'key', client_cert: peer.certificate }, 'client_key is no private key in PEM'],
    [
      { ...tls, client_auth_required: true, client_key: stranger.privateKey, client_cert: peer.certificate },
      'client_key does not belong to client_cert',
    ],
    [[], "malformed chaincode info at '/release/connection.json': it is no object"],
  ])('refuses %j', (value, message) => {
    expect(() => parse(value)).toThrow(
      expect.objectContaining({ code: 'CHAINCODE_PACKAGE_INVALID', message: expect.stringContaining(message) }),
    );
  });

  it('says where JSON is broken', () => {
    expect(() => parseServerSettings('{"address"', 'x.json')).toThrow("malformed chaincode info at 'x.json'");
  });
});
