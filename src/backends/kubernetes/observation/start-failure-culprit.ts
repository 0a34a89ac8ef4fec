/** Whose fault it is that a worker did not start: a repetition helps only against the machine's. */
export type Culprit = 'request' | 'machine'

/** A line of the tables: texts or reasons of one kind. */
export interface StartErrorRule {
  pattern: RegExp
  culprit: Culprit
  /** What the line stands for, for people. */
  meaning: string
  /** Where the text or the reason comes from. */
  source: string
}

/**
 * Whose fault a container's start error is, by the message that the kubelet passes on from the
 * runtime (reasons StartError, ContainerCannotRun, RunContainerError). The first line that matches
 * decides. A text that no line knows names neither the command nor a mount of the request: the
 * machine's, since nothing has run, and further attempts are few. Of a program that can't be run
 * the worker's `command` decides, if it is known: other programs are the runtime's.
 */
export function culpritOfStartError(message: string, command?: string): Culprit {
  return ruleOf(message, command)?.culprit ?? 'machine'
}

/**
 * Whose fault it is that a kubelet refused a pod, by the pod's `status.reason`. An unknown reason
 * is the request's: a kubelet refuses for the pod's own specification as well.
 */
export function culpritOfRefusal(reason: string): Culprit {
  return refusals.find(({ pattern }) => pattern.test(reason))?.culprit ?? 'request'
}

/**
 * The exit code of a shell for a command that could not be started, as child processes have it:
 * 127 if there is no such program, 126 if it can't be run. Undefined if a start error names another
 * cause; the kubelet has 128 for all of them.
 */
export function exitCodeOfStartError(message: string, command?: string): 126 | 127 | undefined {
  if (ruleOf(message, command) !== commandRule) return undefined
  return /not found in \$PATH|no such file or directory/i.test(message) ? 127 : 126
}

function ruleOf(message: string, command: string | undefined): StartErrorRule | undefined {
  const rule = startErrors.find(({ pattern }) => pattern.test(message))
  if (rule !== commandRule && rule !== programRule) return rule
  const { go, crun } = /exec: \\*"(?<go>[^"\\]+)\\*"|file `(?<crun>[^`]+)`/.exec(message)?.groups ?? {}
  const named = go ?? crun
  // Go escapes further characters.
  if (named === undefined || command === undefined || !/^[\w./@+:,=$-]+$/.test(command)) return rule
  return named === command ? commandRule : programRule
}

const runcInit = 'opencontainers/runc, libcontainer/standard_init_linux.go and init_linux.go'
const runcMounts = 'opencontainers/runc, libcontainer/rootfs_linux.go'
const runcProcess = 'opencontainers/runc, libcontainer/process_linux.go'
const crun = 'containers/crun, src/libcrun/linux.c and container.c'
const shim = 'containerd/containerd, core/runtime/v2/binary.go and shim.go'
const goExec = 'Go, os/exec: the end of a child by a signal, or the errno of fork and exec'

const commandRule: StartErrorRule = {
  pattern: /executable file .*not found in \$PATH|exec: \\*"|exec format error|open executable/i,
  culprit: 'request',
  meaning: 'the command is not in the image, or is no program that its user can run',
  source: `${runcInit}; ${crun}; moby/moby#37713`,
}

const programRule: StartErrorRule = {
  pattern:
    /exec: \\*"[^"]*\b(?:runc|crun|youki|containerd-shim[\w-]*|nvidia-(?:ctk|cdi-hook|container-[\w-]+))\\*": /,
  culprit: 'machine',
  meaning: "one of the runtime's programs is missing",
  source: `${shim}; ${goExec}; NVIDIA/nvidia-docker#958, #1190`,
}

/**
 * An errno of the machine comes before a line of the request's, since it may be the cause of what
 * names the command.
 */
export const startErrors: readonly StartErrorRule[] = [
  {
    pattern: /OOM-killed \(memory limit too low\?\)|unable to set memory limit/,
    culprit: 'request',
    meaning: '`memory` is too little for a container to begin',
    source: `${runcProcess}; opencontainers/runc#2736, #2812`,
  },
  {
    pattern: /failed to (?:start|load) shim|shim (?:exited|disconnected)|did not terminate success?fully/,
    culprit: 'machine',
    meaning: 'the shim or the runtime did not start, or was killed',
    source: `${shim}; containerd/go-runc, runc.go`,
  },
  {
    pattern: /signal: (?:killed|terminated|aborted|segmentation fault)/,
    culprit: 'machine',
    meaning: "one of the runtime's programs was killed",
    source: goExec,
  },
  {
    pattern: /(?:running|executing|failed to execute) (?:\w+ )?hooks?\b/i,
    culprit: 'machine',
    meaning: 'a hook that the node runs before the container failed',
    source: 'opencontainers/runc#3869; containers/crun#2248; urunc-dev/urunc#292',
  },
  programRule,
  {
    pattern: /no space left on device|too many open files|input\/output error|stale (?:NFS )?file handle/i,
    culprit: 'machine',
    meaning: 'the node has no room, or its disk fails',
    source: `${goExec}; cloudfoundry/garden-runc-release#15, siderolabs/talos#9007`,
  },
  {
    pattern: /resource temporarily unavailable|cannot allocate memory|pthread_create failed/i,
    culprit: 'machine',
    meaning: 'the node has no process ids or memory left',
    source: `${goExec}; kubernetes/kubernetes#79466, #105928, moby/moby#18295`,
  },
  {
    pattern: /context (?:canceled|deadline exceeded)|ttrpc: closed|transport is closing|code = Unavailable/,
    culprit: 'machine',
    meaning: 'the kubelet or the shim ended during the call, or took too long',
    source: 'Go, context; containerd/ttrpc; grpc-go; containerd/containerd#4068, monogon/monogon#33',
  },
  {
    pattern: /connection re(?:fused|set)|broken pipe|\bEOF\b|dial unix/,
    culprit: 'machine',
    meaning: 'a socket or pipe of the runtime is gone',
    source: `${shim}; ${runcProcess}; opencontainers/runc#2736`,
  },
  commandRule,
  {
    pattern: /chdir|\bcwd\b/,
    culprit: 'request',
    meaning: 'the working directory is not there, or closed to the user',
    source: `${runcInit} (finalizeNamespace); ${crun}; Qualys/community#10`,
  },
  {
    pattern: /unable to find (?:user|group)|no matching entries in passwd|no users found|setuid|setgid/,
    culprit: 'request',
    meaning: 'the image does not know the user, or the user may not be taken',
    source: `moby/sys, user/user.go; ${runcInit}; opencontainers/runc#18`,
  },
  {
    pattern: /error mounting|mount through procfd|subPath|mountpoint|bind mount/i,
    culprit: 'request',
    meaning: 'a volume does not fit its place in the image',
    source: `${runcMounts}; opencontainers/runc#3318`,
  },
  {
    pattern: /cgroup|systemd|dbus|sandbox|netns|network namespace/i,
    culprit: 'machine',
    meaning: "the node could not set up the container's cgroup, or lost the pod's sandbox",
    source: 'opencontainers/cgroups; containerd, internal/cri/server; kubernetes/kubernetes#79466',
  },
]

/** Reasons of pods whose phase a kubelet sets to Failed before any container starts. */
export const refusals: readonly StartErrorRule[] = [
  {
    pattern: /^OutOf/,
    culprit: 'machine',
    meaning: 'the node had less left than the scheduler thought',
    source: 'kubernetes, pkg/kubelet/lifecycle/predicate.go; kubernetes#106884, #115325, #121475',
  },
  {
    pattern: /^(?:UnexpectedAdmissionError|UnexpectedPredicateFailureType|UnknownReason)$/,
    culprit: 'machine',
    meaning: 'a device is gone, or the node could not make room or judge the pod',
    source: 'kubernetes, pkg/kubelet/lifecycle/predicate.go; kubernetes#92436, #125579',
  },
  {
    pattern: /^(?:NodeAffinity|NodeName|NodePorts|NodeUnschedulable|TaintToleration|InvalidNodeInfo)$/,
    culprit: 'machine',
    meaning: 'the node changed after the scheduler had chosen it',
    source: 'kubernetes, pkg/kubelet/lifecycle/predicate.go; pkg/scheduler/framework/plugins',
  },
  {
    pattern: /^TopologyAffinityError$/,
    culprit: 'machine',
    meaning: 'the node has no processors and devices that lie together; another node may have',
    source: 'kubernetes, pkg/kubelet/cm/topologymanager/topology_manager.go',
  },
  {
    pattern: /^(?:NodeShutdown|Shutdown|Terminated|Preempting)$/,
    culprit: 'machine',
    meaning: 'the node shuts down, or needs its room for a critical pod',
    source: 'kubernetes, pkg/kubelet/nodeshutdown; pkg/kubelet/preemption/preemption.go',
  },
]
