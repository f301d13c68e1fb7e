import { messageOf, SelvageError } from '../../common/errors.ts';
import type { BuildVerdict } from '../../packages/platforms/platform.ts';
import { type Sign, verdictOf } from '../../packages/platforms/verdict.ts';

/** What an engine refuses when a container is to be made and started, in its words. */
const SIGNS: readonly Sign[] = [
  {
    pattern: /exec format error/i,
    cause: 'the image is for another kind of machine than this engine runs on',
    advice: 'Get the runtime image of this language for this kind of machine, and build the chaincode on it again (selvage images list).',
  },
  {
    pattern: /exec: "?([^":\s]+)"?: (?:executable file not found|stat .*no such file)|executable file not found|no such file or directory/i,
    cause: 'the image lacks the program that is to run in it: $1',
    advice: 'Look at the runtime image of this language (selvage images list).',
  },
  {
    pattern: /network (\S+) not found|could not find.*network/i,
    cause: 'this engine does not have the network that the container is to be in: $1',
    advice: 'Correct vm.docker.hostConfig.NetworkMode, or make that network (docker network create).',
  },
  {
    pattern: /read-only/i,
    cause: 'the TLS files cannot be put into a container with a read-only file system',
    advice: 'Take vm.docker.hostConfig.ReadonlyRootfs back.',
  },
  {
    pattern: /permission denied|unauthorized|authorization denied|forbidden/i,
    cause: 'the engine does not allow it',
    advice: 'An authorization plugin or the rights of the peer’s user forbid it: ask who runs the engine.',
  },
];

const OTHERWISE: BuildVerdict = {
  cause: 'the engine refused',
  advice: 'Its words say why; vm.docker.hostConfig may ask for what it does not allow.',
};

/** What a refusal of the engine means. @param message its words */
export function engineVerdict(message: string): BuildVerdict {
  const { cause, advice } = verdictOf([message], SIGNS, OTHERWISE);
  return { cause: cause === OTHERWISE.cause ? `${cause}: ${message}` : cause, advice };
}

/** For `catch`: what the engine refused as an error about the launch; what says more already stays as it is. */
export const refusedBy =
  (text: string, ccid: string) =>
  (thrown: unknown): never => {
    if (!(thrown instanceof SelvageError) || thrown.code !== 'DOCKER_REFUSED') throw thrown;
    const { cause: reason, advice } = engineVerdict(thrown.message);
    throw new SelvageError('CHAINCODE_LAUNCH_FAILED', `${text}: ${messageOf(thrown)}`, {
      cause: thrown,
      details: { ccid, reason },
      advice,
    });
  };
