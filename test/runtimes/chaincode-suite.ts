/**
 * What the sample chaincodes `kv-*` must do on every runtime that can run them: each runtime's test file calls
 * {@link chaincodeSuite} with a real network.
 */
import { setMaxListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate, type Submission, submit, validationCodeName } from '../../src/client/submit.ts';
import { textOf } from '../../src/common/bytes.ts';
import { protos } from '../../src/protos/messages.ts';
import { never, type TestNetwork, type TestNetworkOptions, testNetwork } from '../journeys/network.ts';

/** A network where the same sample is instantiated under two names. */
export interface SuiteNetwork extends AsyncDisposable {
  readonly clients: TestNetwork['clients'];
  readonly first: string;
  readonly second: string;
}

export interface SuiteOptions {
  /** Why it cannot run here; then it is skipped, with this in its name. */
  readonly skip?: string | undefined;
  readonly open: () => Promise<SuiteNetwork>;
  /** Longest time that opening may take; builds are part of it. */
  readonly openMs?: number;
  /** Transactions at once; 500 unless told. */
  readonly many?: number;
}

/**
 * A network of its own for the sample in `chaincodes/NAME`, with settings that choose the runtime, and `format` for the packages and
 * with them the lifecycle: `cds` unless told.
 */
export async function deployedTwice(sample: string, options: TestNetworkOptions = {}): Promise<SuiteNetwork> {
  const network = await testNetwork(options);
  try {
    for (const name of ['first', 'second']) await network.deploy(name, sample);
  } catch (thrown) {
    await network[Symbol.asyncDispose]();
    throw thrown;
  }
  return { clients: network.clients, first: 'first', second: 'second', [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() };
}

const MEGABYTE = 1024 * 1024;

export function chaincodeSuite(title: string, { skip, open, openMs = 300_000, many = 500 }: SuiteOptions): void {
  describe.skipIf(skip !== undefined)(skip === undefined ? title : `${title} (skipped: ${skip})`, () => {
    let network: SuiteNetwork;

    beforeAll(async () => {
      network = await open();
    }, openMs);
    afterAll(() => network?.[Symbol.asyncDispose](), 60_000);

    const first = () => network.clients.admins[0] ?? network.clients.user;
    const spec = (args: readonly string[]) => ({ channelId: network.clients.channel, chaincode: network.first, args });
    const query = async (...args: readonly string[]) =>
      textOf((await evaluate(first().peer, network.clients.user.signer, spec(args), { signal: never })).payload);
    const send = (args: readonly string[], listeners = [first().peer], signal = never): Promise<Submission> => {
      const { user, orderer } = network.clients;
      return submit({ signer: user.signer, endorsers: [first().peer], orderer, listeners }, spec(args), { signal });
    };
    const invoke = async (...args: readonly string[]) => {
      const { response, payload, commit } = await send(args);
      expect(commit?.codeName).toBe('VALID');
      return {
        text: textOf(response.payload),
        action: protos.ChaincodeAction.decode(protos.ProposalResponsePayload.decode(payload).extension),
      };
    };

    it('keeps, gives back and deletes state', async () => {
      expect((await invoke('put', 'a', '1', 'ü', 'zwei')).text).toBe('ok');
      expect(await query('get', 'a')).toBe('1');
      expect(await query('get', 'ü')).toBe('zwei');
      expect(await query('get', 'absent')).toBe('');
      await invoke('del', 'a', 'ü');
      expect(await query('get', 'a')).toBe('');
    });

    it('does not see its own writes before they are committed', async () => {
      expect(await query('putget', 'unwritten', 'x')).toBe('(none)');
      expect(await query('get', 'unwritten')).toBe('');
    });

    it('reads ranges, also longer than one batch', async () => {
      const keys = Array.from({ length: 250 }, (_, at) => `range-${String(at).padStart(3, '0')}`);
      await invoke('put', ...keys.flatMap((key) => [key, `value of ${key}`]));
      const found: unknown = JSON.parse(await query('range', 'range-', 'range.'));
      expect(found).toEqual(keys.map((k) => ({ k, v: `value of ${k}` })));
      expect(JSON.parse(await query('range', 'range-010', 'range-012'))).toHaveLength(2);
      expect(JSON.parse(await query('range', 'nothing-', 'nothing.'))).toEqual([]);
    });

    it('sends events with its transactions', async () => {
      const { text, action } = await invoke('event', 'Happened', 'what happened');
      expect(text).toBe('sent');
      const event = protos.ChaincodeEvent.decode(action.events);
      expect({ ...event, payload: textOf(event.payload) }).toMatchObject({
        chaincodeId: network.first,
        eventName: 'Happened',
        payload: 'what happened',
      });
    });

    it('calls another chaincode, which writes to its own state', async () => {
      const { text } = await invoke('call', network.second, '', 'put', 'called', 'by the first');
      expect(text).toBe('ok');
      expect(await query('get', 'called')).toBe('');
      expect(await query('call', network.second, '', 'get', 'called')).toBe('by the first');
      expect(await query('get', 'lastcall')).toBe('200');
    });

    it('computes what every language computes', async () => {
      expect(await query('hash', 'hello', '3')).toBe('6c92efed736019d91804be8749edd36be572a345bd51c80f1ac4ea0d932c0dc7');
    });

    it('answers with the status and message it likes, of those that every shim knows', async () => {
      expect(await query('status', '200', 'fine', 'payload')).toBe('payload');
      await expect(query('status', '400', 'no such thing')).rejects.toThrow('no such thing');
    });

    it('fails with its own words and writes nothing then', async () => {
      await expect(query('error', 'this went wrong')).rejects.toThrow('this went wrong');
      await expect(query('unheard-of')).rejects.toThrow('unknown function unheard-of');
      expect(await query('get', 'never')).toBe('');
      expect(await query('noop')).toBe('');
    });

    it('handles values of a megabyte, both ways', async () => {
      await invoke('big', 'made', String(MEGABYTE));
      const value = await query('get', 'made');
      expect(value.length === MEGABYTE && /^a+$/.test(value)).toBe(true);
      const sent = 'z'.repeat(MEGABYTE);
      await invoke('put', 'sent', sent);
      expect((await query('get', 'sent')) === sent).toBe(true);
    });

    it(`takes ${many} transactions at once`, async () => {
      const { user, channel } = network.clients;
      const keys = Array.from({ length: many }, (_, at) => `many-${String(at).padStart(4, '0')}`);
      const stop = new AbortController();
      setMaxListeners(0, stop.signal);
      const blocks = first().peer.filteredBlocks(user.signer, channel, { start: 'newest' }, { signal: stop.signal });
      const listening = blocks.next();
      await listening;
      const sent = await Promise.all(keys.map((key) => send(['put', key, key], [], stop.signal)));
      const waiting = new Set(sent.map(({ proposal }) => proposal.txId));
      const codes = new Set<string>();
      for (let next = await listening; next.done !== true && waiting.size > 0; next = waiting.size > 0 ? await blocks.next() : next) {
        for (const { txid, txValidationCode } of next.value.filteredBlock?.filteredTransactions ?? []) {
          if (waiting.delete(txid)) codes.add(validationCodeName(txValidationCode));
        }
      }
      stop.abort();
      expect(waiting.size).toBe(0);
      expect([...codes]).toEqual(['VALID']);
      expect(JSON.parse(await query('range', 'many-', 'many.'))).toHaveLength(many);
    });
  });
}
