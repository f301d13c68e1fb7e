'use strict';

/**
 * Requests of one transaction go to the peer one after another, as those of the shim's own queue do: the next when the one before is
 * answered. Those of different transactions know nothing of each other.
 */
class RequestTurns {
  constructor() {
    /** @type {Map<string, Request[]>} */
    this._queues = new Map();
  }

  /** @param {string} transaction @param {Request} request */
  add(transaction, request) {
    const queue = this._queues.get(transaction);
    if (queue !== undefined) queue.push(request);
    else {
      this._queues.set(transaction, [request]);
      request.send();
    }
  }

  /** Hands an answer to the request that waits for it. @returns whether there is one @param {string} transaction @param {Answer} answer */
  answered(transaction, answer) {
    const queue = this._queues.get(transaction);
    const request = queue?.shift();
    if (queue === undefined || request === undefined) return false;
    request.answered(answer);
    this._goOn(transaction, queue);
    return true;
  }

  /** Goes on without an answer, as there will be none: the request was not sent. @param {string} transaction @param {Request} request */
  failed(transaction, request) {
    const queue = this._queues.get(transaction);
    if (queue === undefined || queue[0] !== request) return;
    queue.shift();
    this._goOn(transaction, queue);
  }

  /** @param {string} transaction @param {Request[]} queue */
  _goOn(transaction, queue) {
    const next = queue[0];
    if (next === undefined) this._queues.delete(transaction);
    else next.send();
  }
}

module.exports = { RequestTurns };

/** @typedef {RequestTurns} Turns */
/** @typedef {{ readonly type: number, readonly payload: Buffer, readonly bytes: Buffer }} Answer */
/** @typedef {{ send(): void, answered(answer: Answer): void }} Request */
