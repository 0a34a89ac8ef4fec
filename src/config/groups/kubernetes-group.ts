import * as z from 'zod'
import { kubeconfigProblem } from '../../backends/kubernetes/api/kubeconfig-problem.ts'
import type { ClusterAddress } from '../../backends/kubernetes/settings.ts'
import { certificatesIn } from '../certificates.ts'
import { baseUrl, flagSetting, groupMeta, settingMeta, wholeNumberSetting } from '../setting.ts'

export const kubernetesGroup = z
  .object({
    kubeconfig: z.string().optional().register(settingMeta, {
      default: "in a pod the pod's service account",
      description: 'Kubeconfig file of the cluster that runs the jobs.',
    }),
    clusterUrl: baseUrl.optional().register(settingMeta, {
      description: 'Address of the API server of the cluster that runs the jobs, instead of KUBECONFIG.',
    }),
    clusterToken: z.string().optional().register(settingMeta, {
      secret: true,
      description:
        'Token of a ServiceAccount for CLUSTER_URL. The file of CLUSTER_TOKEN_FILE is read again every minute: such tokens expire.',
    }),
    clusterCa: z.string().transform(certificatesIn).optional().register(settingMeta, {
      default: "Node's own list",
      description:
        'Certificates in PEM of the authority that signed the certificate of CLUSTER_URL; CLUSTER_CA_FILE names a file with them.',
    }),
    clusterVerify: flagSetting().default(true).register(settingMeta, {
      description:
        '0: the certificate of CLUSTER_URL is not checked, so that an attacker on the way gets the token. The log and `/health` say so.',
    }),
    uploaderImage: z.string().optional().register(settingMeta, {
      default: "with POD_UID the image of the API's own pod",
      description:
        "The project's own image, as the cluster pulls it: for the uploader, and for workers whose request names no image. Needed if Jobferry itself runs outside of the cluster.",
    }),
    uploaderPort: wholeNumberSetting(1024, 65535, 47100).register(settingMeta, {
      description:
        "Port of the uploader in each job's pod. The worker must not use it, and the network policy names it too.",
    }),
    podSecurity: z
      .enum(['baseline', 'restricted'], { error: 'expected baseline or restricted' })
      .default('baseline')
      .register(settingMeta, {
        description:
          'The Pod Security Standard that the namespace enforces. `restricted`: worker and uploader run as `run_as_user`, without capabilities.',
      }),
    podUid: z.string().optional().register(settingMeta, {
      description:
        "UID of the API's pod, set by the manifests: a restarted container takes over its Lease at once instead of after 15 s, and UPLOADER_IMAGE has a default.",
    }),
    lostNodeSeconds: wholeNumberSetting(1, 86_400, 300).register(settingMeta, {
      description:
        'Time in which a deleted pod has to end after its grace period, on a silent node after its deletion. After that its node counts as lost, and the pod is ended by force.',
    }),
  })
  .register(groupMeta, {
    title: 'Kubernetes',
    prefix: '',
    description: 'Jobs run on Kubernetes if KUBECONFIG or CLUSTER_URL is set or Jobferry runs in a pod.',
  })

export type KubernetesGroup = z.output<typeof kubernetesGroup>

/** The group of a cluster that is there. */
export interface KubernetesConfig extends KubernetesGroup {
  /** Undefined: the cluster of the kubeconfig, or the pod's own. */
  cluster: ClusterAddress | undefined
  /** Empty: the image of the API's own pod. */
  uploaderImage: string
}

/** Problems of running jobs on Kubernetes with these settings. */
export function validateKubernetes(group: KubernetesGroup): string[] {
  const { kubeconfig, uploaderImage, podUid } = group
  const problem = kubeconfig === undefined ? undefined : kubeconfigProblem(kubeconfig)
  const problems = [...(problem === undefined ? [] : [problem]), ...validateCluster(group)]
  if (uploaderImage || podUid) return problems
  return [...problems, "UPLOADER_IMAGE: missing; expected the project's own image, for the uploader"]
}

/** The cluster of CLUSTER_URL; `tokenFile` is the file that its token is from. */
export function clusterAddress(group: KubernetesGroup, tokenFile?: string): ClusterAddress | undefined {
  const { clusterUrl: url, clusterToken: token, clusterCa: ca, clusterVerify: verify } = group
  return url === undefined ? undefined : { url, token, tokenFile, ca, verify }
}

function validateCluster({
  kubeconfig,
  clusterUrl,
  clusterToken,
  clusterCa,
  clusterVerify,
}: KubernetesGroup) {
  if (clusterUrl === undefined) {
    if (!clusterToken && !clusterCa && clusterVerify) return []
    return ['CLUSTER_URL: missing; expected with CLUSTER_TOKEN, CLUSTER_CA and CLUSTER_VERIFY']
  }
  return [
    ...(kubeconfig === undefined ? [] : ['CLUSTER_URL: is set beside KUBECONFIG; expected one of both']),
    ...(clusterToken
      ? []
      : ['CLUSTER_TOKEN: missing; expected the token of a ServiceAccount with CLUSTER_URL']),
    ...(clusterCa && !clusterVerify ? ['CLUSTER_VERIFY: is 0 beside CLUSTER_CA; expected one of both'] : []),
  ]
}
