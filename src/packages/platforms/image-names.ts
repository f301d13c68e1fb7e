/** What the variables in the names of builder and runtime images stand for. */
export interface ImageVariables {
  /** `$(ARCH)`: `amd64`, or `x86_64` as 1.1 had it. */
  readonly arch: string;
  /** `$(PROJECT_VERSION)`, like `2.5.9`; `$(TWO_DIGIT_VERSION)` is its beginning. */
  readonly projectVersion: string;
  /** `$(BASE_VERSION)`, like `0.4.6`. */
  readonly baseVersion: string;
  /** `$(DOCKER_NS)`. */
  readonly dockerNamespace: string;
  /** `$(BASE_DOCKER_NS)`. */
  readonly baseDockerNamespace: string;
}

/** The images of Fabric 2.5 for this machine. */
export const IMAGE_VARIABLES: ImageVariables = {
  arch: process.arch === 'x64' ? 'amd64' : process.arch,
  projectVersion: '2.5.9',
  baseVersion: '0.4.6',
  dockerNamespace: 'hyperledger',
  baseDockerNamespace: 'hyperledger',
};

/** Values of the configuration's image keys, variables not yet replaced. */
export interface ImageSettings {
  /** `chaincode.builder` */
  readonly builder: string;
  /** `chaincode.golang.runtime` */
  readonly golangRuntime: string;
  /** `chaincode.golang.dynamicLink` */
  readonly golangDynamicLink: boolean;
  /** `chaincode.node.runtime` */
  readonly nodeRuntime: string;
  /** `chaincode.java.runtime`, since 1.3 */
  readonly javaRuntime: string;
  /** `chaincode.java.Dockerfile`, as 1.1 had it: the first lines of the Dockerfile. Empty: by `javaRuntime`. */
  readonly javaDockerfile: string;
}

/** Fabric 2.5's defaults. `chaincode.car.runtime` has no use here: CAR packages are refused. */
export const IMAGE_SETTINGS: ImageSettings = {
  builder: '$(DOCKER_NS)/fabric-ccenv:$(TWO_DIGIT_VERSION)',
  golangRuntime: '$(DOCKER_NS)/fabric-baseos:$(TWO_DIGIT_VERSION)',
  golangDynamicLink: false,
  nodeRuntime: '$(DOCKER_NS)/fabric-nodeenv:$(TWO_DIGIT_VERSION)',
  javaRuntime: '$(DOCKER_NS)/fabric-javaenv:$(TWO_DIGIT_VERSION)',
  javaDockerfile: '',
};

/**
 * Replaces the variables in a name of an image, or in lines with such names. Unknown variables stay as they are.
 * @see ParseDockerfileTemplate in hyperledger/fabric v1.1.0 and v2.5, core/container/util/dockerutil.go
 */
export function imageName(template: string, variables: ImageVariables = IMAGE_VARIABLES): string {
  const values = new Map([
    ['ARCH', variables.arch],
    ['PROJECT_VERSION', variables.projectVersion],
    ['TWO_DIGIT_VERSION', variables.projectVersion.split('.').slice(0, 2).join('.')],
    ['BASE_VERSION', variables.baseVersion],
    ['DOCKER_NS', variables.dockerNamespace],
    ['BASE_DOCKER_NS', variables.baseDockerNamespace],
  ]);
  return template.replace(/\$\(([A-Z_]+)\)/g, (whole, name: string) => values.get(name) ?? whole);
}
