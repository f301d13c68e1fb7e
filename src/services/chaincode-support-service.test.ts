import { afterAll, describe, expect, it } from 'vitest';
import { connectionContract } from '../chaincode/ports/connection.contract.ts';
import { type ChaincodeConnection, receiveMessages } from '../chaincode/ports/connection.ts';
import { Type } from '../chaincode/stream/message-types.ts';
import { GrpcClient } from '../comm/client.ts';
import { listen } from '../comm/server.ts';
import type { ClientTls, ServerTls } from '../comm/tls.ts';
import { sha256 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import { silent } from '../common/log.ts';
import { Scope } from '../common/scope.ts';
import { derOfPem } from '../msp/identities/pem.ts';
import { CertificateAuthority } from '../msp/material/certificate-authority.ts';
import { protos } from '../protos/messages.ts';
import { chaincodeSupportService } from './chaincode-support-service.ts';

const open = new Scope();
afterAll(() => open[Symbol.asyncDispose]());

/** One call to the service: what the peer's side sees of it, and the chaincode's end. */
async function connect(tls: { readonly server?: ServerTls; readonly client?: ClientTls } = {}) {
  const found = deferred<ChaincodeConnection>();
  const over = deferred<void>();
  const serve = async (connection: ChaincodeConnection): Promise<void> => {
    found.resolve(connection);
    await over.promise;
  };
  open.defer(() => over.resolve());
  const server = open.use(
    await listen({ address: '127.0.0.1:0', tls: tls.server, methods: chaincodeSupportService({ serve }), log: silent }),
  );
  const client = open.use(new GrpcClient({ address: `127.0.0.1:${server.port}`, tls: tls.client }));
  const call = client.bidi('/protos.ChaincodeSupport/Register', { signal: new AbortController().signal });
  return {
    peer: await found.promise,
    chaincode: {
      incoming: receiveMessages(call.incoming),
      send: async (message: Uint8Array) => call.send(message),
      close: () => call.end(),
    },
    call,
    over,
  };
}

connectionContract('gRPC', () => connect());

describe('chaincode support service', () => {
  it('ends the call in order when the peer has nothing more to say', async () => {
    const { chaincode, over } = await connect();
    over.resolve();
    expect(await chaincode.incoming.next()).toEqual({ done: true, value: undefined });
  });

  it('tells the chaincode why the peer closes', async () => {
    const { peer, chaincode } = await connect();
    peer.close(new SelvageError('CHAINCODE_PROTOCOL', 'duplicate chaincodeID: cc:1'));
    await expect(chaincode.incoming.next()).rejects.toThrow('duplicate chaincodeID: cc:1');
  });

  it('ends what arrives when the chaincode breaks the call, and sends fail from then on', async () => {
    const { peer, call } = await connect();
    const ended = (async () => {
      for await (const _ of peer.incoming);
    })();
    call[Symbol.dispose]();
    await ended.catch(() => undefined);
    const message = protos.ChaincodeMessage.encode({ type: Type.REGISTERED });
    const sent = async () => {
      await peer.send(message);
      return true;
    };
    const refused = async (): Promise<never> => {
      while (await sent()) await new Promise((resolve) => setImmediate(resolve)); // gRPC tells the end of the call after that of its messages
      throw new Error('unreachable');
    };
    await expect(refused()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('fails a send that waits for a chaincode that never reads, when the call ends', async () => {
    const { peer, call } = await connect();
    const large = protos.ChaincodeMessage.encode({ type: Type.RESPONSE, payload: new Uint8Array(1024 * 1024) });
    const sends = Promise.allSettled(Array.from({ length: 20 }, () => peer.send(large)));
    call[Symbol.dispose]();
    expect((await sends).some(({ status }) => status === 'rejected')).toBe(true);
  });

  it('knows the certificate that the chaincode showed', async () => {
    const authority = await CertificateAuthority.create({ commonName: 'ca', organization: 'test' }, new Date());
    const server = await authority.tls({ commonName: '127.0.0.1', hosts: ['127.0.0.1'] });
    const own = await authority.tls({ commonName: 'cc:1', hosts: [] });
    const roots = authority.own.certificate;
    const { peer } = await connect({
      server: { key: server.privateKey, cert: server.certificate, clientRoots: [roots] },
      client: { roots, key: own.privateKey, cert: own.certificate },
    });
    expect(Buffer.from(peer.peerCertificateHash ?? []).equals(sha256(derOfPem(own.certificate)))).toBe(true);
    expect((await connect()).peer.peerCertificateHash).toBeUndefined();
  });
});
