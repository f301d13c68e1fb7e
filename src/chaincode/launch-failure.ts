import { constants } from 'node:os';
import { SelvageError } from '../common/errors.ts';
import type { LogFields } from '../common/log.ts';
import { prefixed } from '../common/prefixed.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import { lastWords, shownLines } from '../packages/last-output.ts';
import type { Exit } from '../packages/launch-spec.ts';
import { explainCrash, explainExit, explainSilence } from '../packages/platforms/exit-verdicts.ts';

/** How an instance ended, for people: its code or signal, and the lines it printed last. */
const endingOf = ({ code, signal, lastOutput }: Exit): string =>
  `${code === null ? endedBy(signal) : exitCode(code)}, ${lastWords(lastOutput)}`;

/** A shell gives 128 and the number of the signal that ended its command: 137 is what the kernel's memory killer leaves. */
function exitCode(code: number): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? [];
  return signal === undefined ? String(code) : `${code} (${signal})`;
}

/** In the same words, whether a shell or a container was around it or not. */
function endedBy(signal: string | null): string {
  const [, number] = Object.entries(constants.signals).find(([name]) => name === signal) ?? [];
  return number === undefined ? (signal ?? 'an unknown code') : exitCode(128 + number);
}

/** For errors and logs. */
const exitDetails = ({ code, signal, lastOutput }: Exit): Readonly<Record<string, string | number>> => ({
  ...(code !== null && { exitCode: code }),
  ...(signal !== null && { signal }),
  lastOutput: shownLines(lastOutput).join('\n'),
});

const SHIM = 'the shim (shim.start, shim.Start, start)';

const DONE = {
  cause: 'the chaincode did all it had to do and ended, without registering with the peer',
  advice: `It has to call ${SHIM}, which dials CORE_PEER_ADDRESS and keeps it running.`,
};
const FAILED = {
  cause: 'the chaincode ended before it registered with the peer',
  advice: 'Its last output says why; if not, run its start command by hand where it is developed.',
};

/** An instance that ended before it registered: code or signal and the last lines in the text, the same and the cause in the details. */
export function exitedEarly(exit: Exit): SelvageError {
  const { cause, advice } = explainExit(exit) ?? (exit.code === 0 ? DONE : FAILED);
  return new SelvageError('CHAINCODE_LAUNCH_FAILED', `chaincode registration failed: container exited with ${endingOf(exit)}`, {
    details: { ...exitDetails(exit), reason: cause },
    advice,
  });
}

/** An instance that ended while it was of use, for the transactions that ran on it. */
export function exitedLater(exit: Exit): SelvageError {
  const verdict = explainCrash(exit);
  const text = `the chaincode exited with ${endingOf(exit)}`;
  if (verdict === undefined) return new SelvageError('CHAINCODE_STREAM_ENDED', text, { details: exitDetails(exit) });
  return new SelvageError('CHAINCODE_STREAM_ENDED', `${text}\n${sentence(whileItRan(verdict.cause))} ${verdict.advice}`, {
    details: { ...exitDetails(exit), reason: whileItRan(verdict.cause) },
  });
}

/** The table of causes is one for all ends. */
const whileItRan = (cause: string): string => cause.replace('failed while it started', 'failed');

/** How far a launch came before its time was over. */
export interface Unfinished {
  /** Absent when nothing was started yet. */
  readonly exit: Exit | undefined;
  /** Of chaincode that waits for the peer to dial it. */
  readonly service: { readonly reached: boolean } | undefined;
  readonly timeoutMs: number;
}

/** What a shell says when the peer stops what it runs. */
const OF_THE_END = /^(Terminated|Killed)$/;

/** The startup timeout is over. @param timeout Fabric's error for that */
export function tooLate(timeout: SelvageError, { exit, service, timeoutMs }: Unfinished): SelvageError {
  const time = `${timeoutMs / 1000} s`;
  if (exit === undefined) {
    return new SelvageError(timeout.code, timeout.message, {
      details: { reason: `it was not built and started within ${time}` },
      advice: 'The log of the peer has the output of its build. If that only needs longer, raise chaincode.startuptimeout.',
    });
  }
  if (service !== undefined) {
    return new SelvageError(timeout.code, timeout.message, {
      details: { reason: `the service was ${service.reached ? 'reached and did not register' : 'not reached'} within ${time}` },
      advice: 'Look at the log of the service, and see that what listens at the address of connection.json is the chaincode.',
    });
  }
  const lastOutput = exit.lastOutput.filter((line) => !OF_THE_END.test(line));
  const { cause, advice } = explainSilence(lastOutput) ?? {
    cause: `the chaincode was started and did not register with the peer within ${time}`,
    advice: `It has to call ${SHIM}, which dials CORE_PEER_ADDRESS. A program that only listens is a chaincode service: package it as type ccaas. If it only starts slowly, raise chaincode.startuptimeout.`,
  };
  return new SelvageError(timeout.code, `${timeout.message}: it did not register, ${lastWords(lastOutput)}`, {
    details: { reason: cause, lastOutput: shownLines(lastOutput).join('\n') },
    advice,
  });
}

/** The text has cause and advice as well: clients get nothing else, and they are the ones who wait for the chaincode. */
export function couldNotLaunch({ ccid }: ChaincodeRef, thrown: unknown, refusal: SelvageError | undefined): SelvageError {
  const cause = SelvageError.from(thrown);
  const { code, message, details } = prefixed(`could not launch chaincode ${ccid}: `, cause, { ccid });
  const { advice, reason } = refusal === undefined ? { advice: cause.advice, reason: details['reason'] } : refused(ccid, refusal, cause);
  const told = reason === undefined || message.includes(String(reason)) ? [] : [sentence(String(reason))];
  const last = [...told, ...(advice === undefined ? [] : [advice])].join(' ');
  return new SelvageError(code, last === '' ? message : `${message}\n${last}`, {
    cause,
    details: {
      ...details,
      ...(reason !== undefined && { reason }),
      ...(refusal && { registrationRefused: refusal.message }),
    },
    ...(advice !== undefined && { advice }),
  });
}

/** What the stream was told that wanted to register, and was not believed, in words for who wrote the chaincode. */
function refused(ccid: string, { message, advice, details }: SelvageError, cause: SelvageError) {
  const name = details['registeredAs'];
  if (name === undefined || name === ccid) return { reason: `its registration was refused: ${message}`, advice: advice ?? cause.advice };
  return {
    reason: `it registered as ${name} instead of ${ccid}`,
    advice:
      advice ??
      'A chaincode has to register under the name in CORE_CHAINCODE_ID_NAME: look where its start script or its sources set another.',
  };
}

/** What a client is told of a failed launch, as fields. */
export const launchFailureFields = ({ code, message, details, advice }: SelvageError): LogFields => ({
  code,
  reason: message.split('\n')[0],
  ...(advice !== undefined && { advice }),
  ...details,
});

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;
