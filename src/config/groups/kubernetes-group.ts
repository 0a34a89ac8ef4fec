import * as z from 'zod'
import { kubeconfigProblem } from '../../backends/kubernetes/api/kubeconfig-problem.ts'
import { groupMeta, settingMeta, wholeNumberSetting } from '../setting.ts'

export const kubernetesGroup = z
  .object({
    kubeconfig: z.string().optional().register(settingMeta, {
      default: "in a pod the pod's service account",
      description: 'Kubeconfig file of the cluster that runs the jobs.',
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
    description: 'Jobs run on Kubernetes if KUBECONFIG is set or Jobferry runs in a pod.',
  })

export type KubernetesGroup = z.output<typeof kubernetesGroup>

/** The group of a cluster that is there. */
export interface KubernetesConfig extends KubernetesGroup {
  /** Empty: the image of the API's own pod. */
  uploaderImage: string
}

/** Problems of running jobs on Kubernetes with these settings. */
export function validateKubernetes({ kubeconfig, uploaderImage, podUid }: KubernetesGroup): string[] {
  const problem = kubeconfig === undefined ? undefined : kubeconfigProblem(kubeconfig)
  const problems = problem === undefined ? [] : [problem]
  if (uploaderImage || podUid) return problems
  return [...problems, "UPLOADER_IMAGE: missing; expected the project's own image, for the uploader"]
}
