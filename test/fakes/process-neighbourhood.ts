import { hex } from '../../src/common/bytes.ts';
import { type Cancellable, orAbort } from '../../src/common/cancel.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { Neighbour } from '../../src/gossip/links.ts';
import type { Member, PeerView } from '../../src/gossip/peers.ts';
import type { PrivateDataExchange, PrivateDataHandler } from '../../src/gossip/private-exchange.ts';
import { pkiIdOf } from '../../src/gossip/wire/ids.ts';
import type { LocalSigner } from '../../src/msp/identities/local-signer.ts';
import { gossip } from '../../src/protos/messages.ts';

/** What a peer knows of others, and how it exchanges private data with them. */
export interface Acquaintances extends Disposable {
  readonly peers: PeerView;
  readonly exchange: PrivateDataExchange;
}

/** A peer of this process, as the others meet it. */
interface Resident {
  /** It knows of itself alone. */
  readonly view: PeerView;
  readonly neighbour: Neighbour;
  handler: PrivateDataHandler | undefined;
}

/** Peers of one process, which see each other at once and give each other private data from hand to hand. */
export class ProcessNeighbourhood {
  readonly #residents = new Map<string, Resident>();
  readonly #listeners = new Set<() => void>();

  /**
   * @param view of a peer that knows of itself alone
   * @param signer what it proves to others with who it is
   */
  join(view: PeerView, signer: LocalSigner): Acquaintances {
    const { mspId, serialized: identity } = signer;
    const handshake = { payload: identity, signature: signer.sign(identity) };
    const neighbour = { pkiId: pkiIdOf(identity), mspId, identity, handshake };
    const resident: Resident = { view, neighbour, handler: undefined };
    const id = hex(neighbour.pkiId);
    this.#residents.set(id, resident);
    this.#changed();
    return {
      peers: this.#peersOf(resident),
      exchange: this.#exchangeOf(resident),
      [Symbol.dispose]: () => {
        this.#residents.delete(id);
        this.#changed();
      },
    };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #peersOf(own: Resident): PeerView {
    const all = <T extends Member>(of: (view: PeerView) => readonly T[]): readonly T[] =>
      [...this.#residents.values()].flatMap(({ view }) => of(view).map((member) => ({ ...member, self: view === own.view })));
    return {
      members: () => all((view) => view.members()),
      membersOf: (channelId) => (own.view.membersOf(channelId).length === 0 ? [] : all((view) => view.membersOf(channelId))),
      organizations: () => [...new Set(all((view) => view.members()).map(({ mspId }) => mspId))],
      onChanged: (listener) => {
        this.#listeners.add(listener);
        return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
      },
    };
  }

  /** Messages are encoded and read as on the wire: nobody holds what another one may change. */
  #exchangeOf(own: Resident): PrivateDataExchange {
    return {
      push: async (to, channelId, data, options) => {
        const resident = this.#resident(to);
        const payload = gossip.PrivatePayload.decode(gossip.PrivatePayload.encode(data));
        const answer = await answerOf(resident, options, (handler) => handler.received(payload, channelId, own.neighbour));
        if (answer === 'silence') await silence(options);
        else if (answer !== undefined) throw new SelvageError('REFUSED_BY_PEER', answer.refused);
      },
      pull: async (to, channelId, digests, options) => {
        const resident = this.#resident(to);
        const request = gossip.RemotePvtDataRequest.decode(gossip.RemotePvtDataRequest.encode({ digests }));
        const elements = await answerOf(resident, options, (handler) => handler.asked(request.digests, channelId, own.neighbour));
        return gossip.RemotePvtDataResponse.decode(gossip.RemotePvtDataResponse.encode({ elements })).elements;
      },
      serve: (handler) => {
        own.handler = handler;
        return {
          [Symbol.dispose]: () => {
            if (own.handler === handler) own.handler = undefined;
          },
        };
      },
    };
  }

  #resident({ pkiId, mspId }: Member): Resident {
    const resident = this.#residents.get(hex(pkiId));
    if (resident === undefined) throw new SelvageError('PEER_UNREACHABLE', `no peer of ${mspId} with this identity is reached`);
    return resident;
  }
}

const answerOf = <T>({ handler }: Resident, options: Cancellable, ask: (handler: PrivateDataHandler) => Promise<T>): Promise<T> =>
  handler === undefined ? silence(options) : orAbort(ask(handler), options.signal);

const silence = ({ signal }: Cancellable): Promise<never> => orAbort(new Promise<never>(() => undefined), signal);
