import { messageOf, SelvageError } from '../../common/errors.ts';
import { shownLines } from '../../packages/last-output.ts';
import { buildFailure, CAUSE } from '../../packages/platforms/build-failure.ts';
import type { DockerBuild } from '../../packages/platforms/platform.ts';
import { engineVerdict } from './launch-errors.ts';

/** What the container's first process says that cannot be one. */
const WRONG_MACHINE = /exec.*: exec format error/i;

/** @see DockerBuild in hyperledger/fabric v1.1.0, core/chaincode/platforms/util/utils.go, for the text after the line break */
export const builderFailed = (ccid: string, build: DockerBuild, exitCode: number, output: readonly string[]): SelvageError =>
  buildFailure((lines) => `building ${ccid} failed: ${CAUSE}\nError returned from build: ${exitCode} "${lines}"`, {
    ccid,
    verdict: output.some((line) => WRONG_MACHINE.test(line)) ? engineVerdict('exec format error') : build.explain(output),
    output,
    exitCode,
    more: { image: build.image },
  });

/** The second stage, which only puts files into an image. */
export function imageBuildFailed(ccid: string, thrown: unknown, output: readonly string[]): SelvageError {
  const rule = '*'.repeat(20);
  const lines = shownLines(output).join('\n');
  const shown = output.length === 0 ? '' : `\n${rule}\n${lines}\n${rule}`;
  const reason = `the engine could not make the image of the chaincode: ${messageOf(thrown)}`;
  return new SelvageError('CHAINCODE_BUILD_FAILED', `Error building images: ${messageOf(thrown)}${shown}`, {
    cause: thrown,
    details: { ccid, reason, lastOutput: lines },
    advice: 'It only adds files to the runtime image of the language: look whether that is one (selvage images list).',
  });
}

/** An image that is not here and does not come. A disk that was full meanwhile is the better reason. */
export const imageMissing = (ccid: string, image: string, thrown: unknown): SelvageError =>
  thrown instanceof SelvageError && thrown.code === 'DISK_FULL'
    ? thrown
    : new SelvageError('CHAINCODE_BUILD_FAILED', `Failed to pull ${image}: ${messageOf(thrown)}`, {
        cause: thrown,
        details: { ccid, image, reason: `the image ${image} is missing` },
        advice: `It is neither in this engine nor to be had from its registry. Make it here with "selvage images build", or load it: docker load, docker pull ${image}. "selvage images list" shows what is configured.`,
      });

/** What the engine refuses in a build becomes an error about the build; what says more already stays as it is. */
export function explained(thrown: unknown, text: (message: string) => string, ccid: string): unknown {
  if (!(thrown instanceof SelvageError) || thrown.code !== 'DOCKER_REFUSED') return thrown;
  const { cause, advice } = engineVerdict(thrown.message);
  return new SelvageError('CHAINCODE_BUILD_FAILED', text(thrown.message), {
    cause: thrown,
    details: { ccid, reason: cause, ...thrown.details },
    advice,
  });
}
