import { describe, expect, it } from 'vitest';
import { plainReason } from '../../comm/dial-cause.ts';
import { dialVerdict } from './dial-verdicts.ts';

const plain = { address: 'cc.example.com:9999', dialTimeoutMs: 3000, tls: undefined };
const secured = { ...plain, tls: { rootCert: '', client: undefined, domain: undefined } };

/** As Node 20 and the shims' servers put it. */
const ALERT =
  'C0F69FFECD7F0000:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:1601:SSL alert number 116\n (2026-11-22T11:56:05.838Z)';
const alert = (words: string): string => ALERT.replace('tlsv13 alert certificate required', words);

describe('why a service was not reached', () => {
  it.each([
    ['connect ECONNREFUSED 127.0.0.1:1 (2026-01-01T00:00:00.000Z)', 'nothing listens', 'Start'],
    ['Name resolution failed for target dns:nowhere', 'cannot resolve', 'address'],
    [ALERT, 'asks for a client certificate', 'client_auth_required'],
    [alert('tlsv1 alert unknown ca'), 'does not trust the client certificate', 'CHAINCODE_CLIENT_CA_CERT'],
    [alert('sslv3 alert certificate expired'), 'client certificate of the peer has expired', 'Renew client_cert'],
    [alert('sslv3 alert bad certificate'), 'refuses the client certificate', 'client_cert'],
    ['Error: certificate has expired', "service's certificate has expired", 'Renew'],
    [
      "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: a. is not in the cert's altnames: DNS:b",
      'for another name',
      'domain',
    ],
    ['Error: unable to verify the first certificate', 'not issued by root_cert', 'root_cert'],
    ['Error: self-signed certificate', 'not issued by root_cert', 'root_cert'],
    [alert('wrong version number'), 'speaks no TLS', 'tls_required to false'],
    ['Failed to connect (2026-11-22T11:56:18.213Z)', 'refuses the client certificate', 'client_cert'],
    ['context deadline exceeded', 'did not answer in time', 'can be reached'],
  ])('%j', (reason, cause, advice) => {
    expect(dialVerdict(plainReason(reason), secured)).toEqual({
      cause: expect.stringContaining(cause),
      advice: expect.stringContaining(advice),
    });
  });

  it('takes a plain connection that is closed for one that should have been TLS', () => {
    expect(dialVerdict('Failed to connect', plain)).toMatchObject({ advice: expect.stringContaining('tls_required and root_cert') });
  });

  it('is told without the places in the sources of OpenSSL', () => {
    expect(plainReason(ALERT)).toBe('tlsv13 alert certificate required');
    expect(plainReason('connect ECONNREFUSED 127.0.0.1:1 (2026-01-01T00:00:00.000Z)')).toBe('connect ECONNREFUSED 127.0.0.1:1');
  });
});
