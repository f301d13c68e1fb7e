import type { DockerBuild } from '../../chaincode/platforms/platform.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';

/** Lines of a build that go into an error. */
const SHOWN = 20;

/** @see DockerBuild in hyperledger/fabric v1.1.0, core/chaincode/platforms/util/utils.go, for the text after the line break */
export function builderFailed(ccid: string, build: DockerBuild, exitCode: number, output: readonly string[]): SelvageError {
  const { cause, advice } = build.explain(output);
  const shown = output.slice(-SHOWN).join('\n');
  return new SelvageError(
    'CHAINCODE_BUILD_FAILED',
    `building ${ccid} failed: ${cause}\nError returned from build: ${exitCode} "${shown}"`,
    {
      details: { ccid, exitCode, image: build.image },
      advice,
    },
  );
}

/** The second stage, which only puts files into an image. */
export function imageBuildFailed(ccid: string, thrown: unknown, output: readonly string[]): SelvageError {
  const rule = '*'.repeat(20);
  const shown = output.length === 0 ? '' : `\n${rule}\n${output.slice(-SHOWN).join('\n')}\n${rule}`;
  return new SelvageError('CHAINCODE_BUILD_FAILED', `Error building images: ${messageOf(thrown)}${shown}`, {
    cause: thrown,
    details: { ccid },
    advice: 'The engine could not make the image of the chaincode: its words above say why.',
  });
}

export const imageMissing = (ccid: string, image: string, thrown: unknown): SelvageError =>
  new SelvageError('CHAINCODE_BUILD_FAILED', `Failed to pull ${image}: ${messageOf(thrown)}`, {
    cause: thrown,
    details: { ccid, image },
    advice: `The image is neither in this engine nor to be had from its registry. Make it here with "selvage images build", or load it: docker load, docker pull ${image}. "selvage images list" shows what is configured.`,
  });

/** What the engine refuses in a build becomes an error about the build; what says more already stays as it is. */
export function explained(thrown: unknown, text: (message: string) => string, ccid: string): unknown {
  if (!(thrown instanceof SelvageError) || thrown.code !== 'DOCKER_REFUSED') return thrown;
  return new SelvageError('CHAINCODE_BUILD_FAILED', text(thrown.message), { cause: thrown, details: { ccid, ...thrown.details } });
}
