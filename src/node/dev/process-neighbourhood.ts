import { hex } from '../../common/bytes.ts';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Neighbour } from '../../gossip/links.ts';
import type { Member, PeerView } from '../../gossip/peers.ts';
import type { PrivateDataExchange, PrivateDataHandler } from '../../gossip/private-exchange.ts';
import { pkiIdOf } from '../../gossip/wire/ids.ts';
import type { LocalSigner } from '../../msp/identities/local-signer.ts';
import { gossip } from '../../protos/messages.ts';

/** A peer of this process, as the others meet it. */
interface Resident {
  readonly view: PeerView;
  readonly neighbour: Neighbour;
  handler: PrivateDataHandler | undefined;
}

export interface Joined extends Disposable {
  readonly peers: PeerView;
  readonly exchange: PrivateDataExchange;
}

/** Peers of one process, which see each other and give each other private data from hand to hand. */
export class ProcessNeighbourhood {
  readonly #residents = new Map<string, Resident>();
  readonly #listeners = new Set<() => void>();

  /**
   * @param view of this peer, which knows of itself alone
   * @param signer what it proves to others with who it is
   */
  join(view: PeerView, signer: LocalSigner): Joined {
    const { mspId, serialized: identity } = signer;
    const handshake = { payload: identity, signature: signer.sign(identity) };
    const neighbour = { pkiId: pkiIdOf(identity), mspId, identity, handshake };
    const resident: Resident = { view, neighbour, handler: undefined };
    const id = hex(neighbour.pkiId);
    this.#residents.set(id, resident);
    const changes = view.onChanged(() => this.#changed());
    this.#changed();
    return {
      peers: this.#peersOf(resident),
      exchange: this.#exchangeOf(resident),
      [Symbol.dispose]: () => {
        changes[Symbol.dispose]();
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
      [...this.#residents.values()].flatMap(({ view }) =>
        of(view)
          .filter(({ self }) => self)
          .map((member) => (view === own.view ? member : { ...member, self: false })),
      );
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
        const payload = gossip.PrivatePayload.decode(gossip.PrivatePayload.encode(data));
        const answer = await this.#answer(to, options, (handler) => handler.received(payload, channelId, own.neighbour));
        if (answer === 'silence') await silence(options);
        else if (answer !== undefined) throw new SelvageError('REFUSED_BY_PEER', answer.refused);
      },
      pull: async (to, channelId, digests, options) => {
        const request = gossip.RemotePvtDataRequest.decode(gossip.RemotePvtDataRequest.encode({ digests }));
        const elements = await this.#answer(to, options, (handler) => handler.asked(request.digests, channelId, own.neighbour));
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

  async #answer<T>({ pkiId, mspId }: Member, options: Cancellable, ask: (handler: PrivateDataHandler) => Promise<T>): Promise<T> {
    const resident = this.#residents.get(hex(pkiId));
    if (resident === undefined) throw new SelvageError('PEER_UNREACHABLE', `no peer of ${mspId} with this identity is reached`);
    if (resident.handler === undefined) return silence(options);
    return orAbort(ask(resident.handler), options.signal);
  }
}

const silence = ({ signal }: Cancellable): Promise<never> => orAbort(new Promise<never>(() => undefined), signal);
