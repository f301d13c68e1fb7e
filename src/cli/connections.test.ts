import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Issued, issue } from '../../test/certificates.ts';
import { listen } from '../comm/server.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { Connections } from './connections.ts';
import type { OrdererFlags } from './flags.ts';
import type { Terminal } from './terminal.ts';

const DAY_MS = 24 * 3_600_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

describe('--tlsHandshakeTimeShift', () => {
  let ca: Issued;
  let stranger: Issued;
  let expired: Issued;
  beforeAll(async () => {
    ca = await issue({ subject: 'CN=ca', ca: true, notBefore: ago(400), notAfter: ago(9) });
    stranger = await issue({ subject: 'CN=ca', ca: true, notBefore: ago(400) });
    expired = await issue({ subject: 'CN=late', issuer: ca, notBefore: ago(300), notAfter: ago(10) });
  });

  /** What comes of reaching an orderer whose certificate ran out ten days ago: `reached`, or the error's text. */
  async function reaching(flags: Partial<OrdererFlags>, trusted: Issued = ca): Promise<string> {
    await using scope = new Scope();
    const folder = await mkdtemp(join(tmpdir(), 'selvage-connections-'));
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const cafile = join(folder, 'ca.pem');
    await writeFile(cafile, trusted.pem);
    const key = String(expired.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const server = scope.use(await listen({ address: '127.0.0.1:0', tls: { key, cert: expired.pem }, methods: [], log: silent }));
    const terminal: Terminal = {
      out: () => undefined,
      write: () => undefined,
      say: () => undefined,
      env: { FABRIC_CFG_PATH: folder },
      cwd: folder,
      signal: new AbortController().signal,
      colours: false,
      interactive: false,
    };
    const connections = scope.use(new Connections(terminal));
    const all = { orderer: `127.0.0.1:${server.port}`, tls: true, cafile, connTimeout: 30_000, ordererTLSHostnameOverride: 'late' };
    return await connections.orderer({ tlsHandshakeTimeShift: 20 * DAY_MS, ...all, ...flags }).then(
      () => 'reached',
      (thrown: unknown) => SelvageError.from(thrown).message,
    );
  }

  it('lets an orderer be reached whose certificate was good so long ago, and only then', async () => {
    expect(await reaching({})).toBe('reached');
    expect(await reaching({ tlsHandshakeTimeShift: 0 })).toContain('certificate has expired');
    expect(await reaching({ tlsHandshakeTimeShift: -20 * DAY_MS })).toContain('certificate has expired');
    expect(await reaching({ tlsHandshakeTimeShift: 5 * DAY_MS })).toContain('certificate has expired');
    expect(await reaching({ tlsHandshakeTimeShift: 350 * DAY_MS })).toContain('not yet valid');
  });

  it('lets nobody in whom the authorities do not vouch for, or of another name', async () => {
    expect(await reaching({}, stranger)).toContain('signed by unknown authority');
    expect(await reaching({ ordererTLSHostnameOverride: 'other' })).toContain("does not match certificate's altnames");
  });
});
