/** Scripts in the images that `selvage images build` makes. All are for a plain `/bin/sh`. */

/** Where the scripts of our own stand; first in the image's PATH. */
export const OWN_PROGRAMS = 'chaincode/bin';

/** Where Fabric's Java images have their scripts, and where they are run. */
export const JAVA_FOLDER = 'root/chaincode-java';

/** Installed with a lock file exactly as locked; development dependencies stay out. */
const NODE_BUILD = `#!/bin/sh
set -e
cp -R /chaincode/input/src/. /chaincode/output
cd /chaincode/output
if [ -d node_modules ]; then exit 0; fi
if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then npm ci --omit=dev --no-audit --no-fund; else npm install --omit=dev --no-audit --no-fund; fi
`;

/**
 * What `npm start` would run, but directly where the start script is one plain command: npm does not start beside each chaincode. The
 * shell stays to pass signals on: as the first process of its container Node would not end when it is asked to.
 */
const NODE_START = `#!/bin/sh
set -e
cd /usr/local/src
start=$(node -e 'const s = require("./package.json").scripts ?? {}; const c = s.start ?? ""; process.stdout.write(/^[\\w@%+:,./-]+( [\\w@%+=:,./-]+)*$/.test(c) && !s.prestart && !s.poststart ? c : "")')
if [ -z "$start" ]; then exec npm start -- "$@"; fi
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
set +e
$start "$@" &
child=$!
exec 2>/dev/null # the shell would tell how its child ended
trap 'kill -TERM $child' TERM INT
wait $child
code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
exit $code
`;

/**
 * The go command of an image without a C compiler. The peer asks for external linking, so that programs which use C are static: here
 * Go links by itself, and statically in any case. A build that fails is told which of its packages need C.
 */
const GO = `#!/bin/sh
PATH="\${PATH#/${OWN_PROGRAMS}:}"
export PATH
if [ "$1" != build ] || command -v "\${CC:-gcc}" >/dev/null; then exec go "$@"; fi
CGO_ENABLED=0
export CGO_ENABLED
for argument do
  shift
  case "$argument" in *'-linkmode external'*) argument='-ldflags=' ;; -ldflags) continue ;; esac
  set -- "$@" "$argument"
  target=$argument
done
go "$@" && exit
code=$?
users=$(CGO_ENABLED=1 go list -e -deps -f '{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}' "$target" 2>/dev/null | tr '\\n' ' ')
if [ -n "$users" ]; then echo "cgo: C compiler \\"gcc\\" not found in the builder image, and these packages use C: $users" >&2; fi
exit $code
`;

/** Leaves one jar with all dependencies, by the rules that hold for Java chaincode as a process. */
const JAVA_BUILD = `#!/bin/sh
set -e
work=/chaincode/work
mkdir -p $work /chaincode/output
cp -R /chaincode/input/src/. $work
cd $work
if [ -f build.gradle ] || [ -f build.gradle.kts ]; then
  command -v gradle >/dev/null || { echo 'this image has no Gradle, which the chaincode is built with' >&2; exit 1; }
  gradle --no-daemon --console=plain build -x test
  results='build/libs build'
elif [ -f pom.xml ]; then
  command -v mvn >/dev/null || { echo 'this image has no Maven, which the chaincode is built with' >&2; exit 1; }
  mvn --batch-mode --no-transfer-progress -Dstyle.color=never -Dmaven.test.skip=true package
  results=target
else
  results=.
fi
for folder in $results; do
  jar=
  count=0
  for each in "$folder"/*.jar; do
    case "$each" in */original-*|*-sources.jar|*-javadoc.jar|*-tests.jar|*-test-fixtures.jar|*-plain.jar) continue ;; esac
    [ -f "$each" ] || continue
    jar=$each
    count=$((count + 1))
  done
  if [ -f "$folder/chaincode.jar" ]; then jar=$folder/chaincode.jar; elif [ $count -ne 1 ]; then continue; fi
  cp "$jar" /chaincode/output/chaincode.jar
  exit 0
done
if [ "$results" = . ]; then echo 'Build file not found' >&2; exit 1; fi
echo "the build left no jar to run in $results: let it make one jar with all dependencies, called chaincode.jar" >&2
exit 1
`;

const JAVA_START = `#!/bin/sh
exec java -jar /${JAVA_FOLDER}/chaincode/chaincode.jar "$@"
`;

/** Path in the image, without leading `/`, and text. */
type Scripts = readonly (readonly [path: string, text: string])[];

export const NODE_SCRIPTS: Scripts = [
  ['chaincode/build.sh', NODE_BUILD],
  ['chaincode/start.sh', NODE_START],
];

export const GO_SCRIPTS: Scripts = [[`${OWN_PROGRAMS}/go`, GO]];

export const JAVA_SCRIPTS: Scripts = [
  [`${JAVA_FOLDER}/build.sh`, JAVA_BUILD],
  [`${JAVA_FOLDER}/start`, JAVA_START],
];
