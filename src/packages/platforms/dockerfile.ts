import { IMAGE_VARIABLES, type ImageVariables } from './image-names.ts';
import type { ImageSubject, Platform } from './platform.ts';
import { SPEC_TYPES } from './platforms.ts';

/**
 * The whole Dockerfile of a chaincode's image: the platform's lines, then labels and the build level.
 * @see generateDockerfile in hyperledger/fabric v1.1.0 and v2.5, core/chaincode/platforms/platforms.go
 */
export function chaincodeDockerfile(
  platform: Pick<Platform, 'name' | 'dockerfile'>,
  { name, version }: Pick<ImageSubject, 'name' | 'version'>,
  { projectVersion, baseVersion }: ImageVariables = IMAGE_VARIABLES,
): string {
  const labels = [
    ['chaincode.id.name', name],
    ['chaincode.id.version', version],
    ['chaincode.type', SPEC_TYPES[platform.name]],
    ['version', projectVersion],
    ['base.version', baseVersion],
  ].map(([key, value]) => `org.hyperledger.fabric.${key}="${value}"`);
  const lines = [...platform.dockerfile(), `LABEL ${labels.join(' \\\n      ')}`, `ENV CORE_CHAINCODE_BUILDLEVEL=${projectVersion}`];
  return lines.join('\n');
}
