import { errnoOf, type FailureCode, messageOf, SelvageError } from '../common/errors.ts';

interface Meaning {
  readonly code: FailureCode;
  readonly reason: string;
  readonly advice: string;
}

const NO_NAME: Meaning = {
  code: 'SETTING_INVALID',
  reason: 'no host has that name',
  advice: 'Name an address of this machine; 0.0.0.0 stands for all of them.',
};

const MEANINGS: Readonly<Record<string, Meaning>> = {
  EADDRINUSE: {
    code: 'ADDRESS_IN_USE',
    reason: 'another process listens there',
    advice: 'Stop the process that uses the port, or choose another one.',
  },
  EADDRNOTAVAIL: { ...NO_NAME, reason: 'this machine does not have that address' },
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: { ...NO_NAME, reason: 'the name cannot be looked up at the moment' },
  EACCES: {
    code: 'SETTING_INVALID',
    reason: 'the port is not for this user',
    advice: 'Choose a port above 1023, or give the process the right to take this one.',
  },
};

/** Why an address cannot be bound: only where somebody else listens is there a process to stop. */
export function listenFailure(address: string, cause: unknown): SelvageError {
  const errno = errnoOf(cause) ?? '';
  const { code, reason, advice }: Meaning = MEANINGS[errno] ?? {
    code: 'ADDRESS_IN_USE',
    reason: messageOf(cause),
    advice: 'Choose another address.',
  };
  return new SelvageError(code, `cannot listen on ${address}: ${reason}${errno === '' ? '' : ` (${errno})`}`, {
    cause,
    details: { address },
    advice,
  });
}
