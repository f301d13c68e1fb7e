import { describe, expect, it } from 'vitest';
import { ChaincodeOnStream } from '../../test/fakes/chaincode-on-stream.ts';
import { SelvageError } from '../common/errors.ts';
import { ChaincodeRegistry } from './registry.ts';
import { ChaincodeStream } from './stream/chaincode-stream.ts';
import { ChaincodeTls } from './tls.ts';

const requests = {
  calls: { isSystem: () => false, call: () => Promise.reject(new Error('no calls here')) },
  collections: { permissions: async () => ({ read: true, write: true }) },
  capabilities: () => undefined,
  newQueryId: () => 'id',
  totalQueryLimit: 1,
};

function connect(admission: ChaincodeRegistry, peerCertificateHash?: Uint8Array, dialledFor?: string) {
  const chaincode = new ChaincodeOnStream({ peerCertificateHash, dialledFor });
  const stream = new ChaincodeStream({ id: 's', connection: chaincode.connection, admission, requests });
  return { chaincode, stream, ended: stream.run() };
}

async function claim(admission: ChaincodeRegistry, ccid: string): Promise<string> {
  const { chaincode, ended } = connect(admission);
  await chaincode.claim(ccid);
  return (await ended).message;
}

describe('a service that the peer dialled', () => {
  it('registers under its name alone, even while another is being launched', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    using own = registry.expect('own:1');
    using other = registry.expect('other:1');
    const { chaincode, ended } = connect(registry, undefined, 'own:1');
    await chaincode.claim('other:1');
    expect((await ended).message).toBe('peer will not accept external chaincode connection other:1 (except in dev mode)');
    expect(own.refusal?.advice).toContain('CHAINCODE_ID=own:1');
    expect(other.refusal).toBeUndefined();
  });

  it('needs no certificate of ours: the peer checked its own on the way', async () => {
    const tls = new ChaincodeTls({ issue: () => Promise.reject(new Error('not needed')) });
    const registry = new ChaincodeRegistry({ open: false, tls });
    using own = registry.expect('own:1');
    const { chaincode, stream } = connect(registry, undefined, 'own:1');
    await chaincode.register('own:1');
    expect(await own.ready).toBe(stream);
  });
});

describe('ChaincodeRegistry', () => {
  it('keeps the healthy stream when a duplicate is refused and ends', async () => {
    const registry = new ChaincodeRegistry({ open: true });
    const healthy = connect(registry);
    await healthy.chaincode.register('cc:1');
    expect(await claim(registry, 'cc:1')).toBe('duplicate chaincodeID: cc:1');
    expect(registry.get('cc:1')).toBe(healthy.stream);
    expect(healthy.stream.state.at).toBe('ready');
  });

  it('frees the name when its stream ends, and only then', async () => {
    const registry = new ChaincodeRegistry({ open: true });
    const first = connect(registry);
    await first.chaincode.register('cc:1');
    first.chaincode.close();
    await first.ended;
    expect(registry.get('cc:1')).toBeUndefined();
    const second = connect(registry);
    await second.chaincode.register('cc:1');
    first.stream.close(new SelvageError('CANCELLED', 'again'));
    expect(registry.get('cc:1')).toBe(second.stream);
  });

  it('takes back one registration, not whatever has its name by then', async () => {
    const registry = new ChaincodeRegistry({ open: true });
    const { stream } = connect(registry);
    const request = { ccid: 'cc:1', stream, certificateHash: undefined };
    const first = registry.admit(request);
    first[Symbol.dispose]();
    const second = registry.admit(request);
    second.ready();
    first[Symbol.dispose]();
    expect(registry.get('cc:1')).toBe(stream);
    second[Symbol.dispose]();
    expect(registry.get('cc:1')).toBeUndefined();
  });

  it('accepts only what is being launched, unless the user runs chaincode', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    const refused = 'peer will not accept external chaincode connection cc:1 (except in dev mode)';
    expect(await claim(registry, 'cc:1')).toBe(refused);
    const expectation = registry.expect('cc:1');
    expect(await claim(registry, 'cc:2')).toContain('connection cc:2');
    expectation[Symbol.dispose]();
    expect(await claim(registry, 'cc:1')).toBe(refused);
    expect(await claim(new ChaincodeRegistry({ open: true }), '')).toBe('chaincode name not set');
  });

  it('hands a launch its stream once that takes transactions', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    const expectation = registry.expect('cc:1');
    const { chaincode, stream } = connect(registry);
    await chaincode.register('cc:1');
    expect(await expectation.ready).toBe(stream);
    expect(stream.state.at).toBe('ready');
    expect(registry.list()).toEqual([{ ccid: 'cc:1', stream }]);
  });

  it('leaves a launch waiting when a stranger claims its name, and remembers why that was refused', async () => {
    const tls = new ChaincodeTls({
      issue: async () => ({ clientKey: '', clientCert: '', rootCert: '', certificateHash: new Uint8Array([7]) }),
    });
    const registry = new ChaincodeRegistry({ open: false, tls });
    expect(registry.secured).toBe(true);
    const expectation = registry.expect('cc:1');
    await tls.issue('cc:1');
    const stranger = connect(registry);
    await stranger.chaincode.claim('cc:1');
    expect((await stranger.ended).message).toBe("TLS is active but chaincode cc:1 didn't send certificate");
    expect(expectation.refusal?.message).toBe("TLS is active but chaincode cc:1 didn't send certificate");
    const rightful = connect(registry, new Uint8Array([7]));
    await rightful.chaincode.register('cc:1');
    expect(await expectation.ready).toBe(rightful.stream);
  });

  it('closes what registered for a launch that failed', async () => {
    const registry = new ChaincodeRegistry({ open: false });
    const expectation = registry.expect('cc:1');
    const { chaincode, ended } = connect(registry);
    await chaincode.register('cc:1');
    expectation.abandon(new SelvageError('CANCELLED', 'the launch failed'));
    expect((await ended).message).toBe('the launch failed');
    expect(registry.list()).toEqual([]);
  });
});
