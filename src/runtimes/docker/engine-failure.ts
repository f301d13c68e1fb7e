import { messageOf, SelvageError } from '../../common/errors.ts';

/** HTTP status of an answer that was an error; undefined when it was none. */
export const statusOf = (thrown: unknown): number | undefined => {
  const status = thrown instanceof SelvageError && thrown.code === 'DOCKER_REFUSED' ? thrown.details['status'] : undefined;
  return typeof status === 'number' ? status : undefined;
};

export const isLost = (thrown: unknown): boolean => thrown instanceof SelvageError && thrown.code === 'DOCKER_UNAVAILABLE';

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'Start Docker, or set vm.endpoint (CORE_VM_ENDPOINT) to the socket of the engine, or selvage.runtime to process.',
  EACCES: 'This user may not use the engine: add it to the group that owns the socket (mostly docker), or set selvage.runtime to process.',
  ECONNREFUSED: 'Nothing listens there: start Docker, or correct vm.endpoint (CORE_VM_ENDPOINT).',
  ENOTFOUND: 'The host in vm.endpoint (CORE_VM_ENDPOINT) is not known.',
};

/** What a port for TLS answers to somebody who speaks none. */
export const WITHOUT_TLS = /HTTP request to an HTTPS server/i;

const REASONS: Readonly<Record<string, (endpoint: string) => string>> = {
  ENOENT: (endpoint) => `there is no Docker engine at ${endpoint}`,
  EACCES: (endpoint) => `the user that runs the peer may not use the Docker engine at ${endpoint}`,
  ECONNREFUSED: (endpoint) => `no Docker engine listens at ${endpoint}`,
  ENOTFOUND: (endpoint) => `nobody knows the host of the Docker engine at ${endpoint}`,
};

/** A connection that failed, or broke in the middle of an answer. */
export function unavailable(endpoint: string, cause: unknown): SelvageError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const certificate = /CERT|SELF_SIGNED|SIGNATURE|TLS|SSL|EPROTO/.test(code) || WITHOUT_TLS.test(messageOf(cause));
  return new SelvageError('DOCKER_UNAVAILABLE', `the Docker engine at ${endpoint} does not answer: ${messageOf(cause)}`, {
    cause,
    details: { endpoint, reason: reasonOf(code, certificate)(endpoint), ...(code !== '' && { error: code }) },
    advice: certificate
      ? 'Peer and engine do not agree on TLS: look at vm.endpoint and vm.docker.tls (enabled, ca, cert, key).'
      : (ADVICE[code] ?? 'The engine was stopped or restarted: chaincode is launched again as soon as it answers.'),
  });
}

const reasonOf = (code: string, certificate: boolean): ((endpoint: string) => string) =>
  certificate
    ? (endpoint) => `the peer and the Docker engine at ${endpoint} do not agree on TLS`
    : (REASONS[code] ?? ((endpoint) => `the Docker engine at ${endpoint} was lost`));

/**
 * An answer that was an error.
 * @param status HTTP status; absent for an error inside a stream that began well
 */
export function refused(message: string, status?: number, cause?: unknown): SelvageError {
  const text = message.trim();
  if (/no space left on device|disk quota exceeded/i.test(text)) {
    return new SelvageError('DISK_FULL', `the Docker engine's disk is full: ${text}`, {
      cause,
      details: { reason: 'the disk of the Docker engine is full' },
      advice:
        'Make room where the engine keeps its images (docker system df shows what takes it, docker system prune frees what is unused).',
    });
  }
  return new SelvageError('DOCKER_REFUSED', text, { cause, details: status === undefined ? {} : { status } });
}
