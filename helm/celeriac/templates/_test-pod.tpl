{{/* Name of the pool that `helm test` tries: the one of values, else the first that the autoscaler takes to zero, else the first. Given root and pools. */}}
{{- define "celeriac.test.pool" -}}
{{- $first := "" -}}
{{- $fromZero := "" -}}
{{- range $name, $pool := .pools -}}
{{- if not $first -}}{{- $first = $name -}}{{- end -}}
{{- if and (not $fromZero) (ne $pool.by "none") (eq (int64 (dig "scaling" "min" 0 $pool)) 0) -}}{{- $fromZero = $name -}}{{- end -}}
{{- end -}}
{{- .root.Values.tests.pool | default $fromZero | default $first -}}
{{- end -}}

{{/* Arguments of `celeriac` that call the task, a YAML list; the result is waited for where there is a backend. Given root and pool. */}}
{{- define "celeriac.test.call" -}}
{{- $tests := .root.Values.tests -}}
{{- $args := list "call" $tests.task "--args" $tests.args "--queue" (first (.pool.queues | default (list "celery"))) -}}
{{- if include "celeriac.hasResults" .root -}}{{- $args = concat $args (list "--wait" ($tests.timeoutSeconds | int64 | toString)) -}}{{- end -}}
{{- with .pool.queueType -}}{{- $args = concat $args (list "--queue-type" .) -}}{{- end -}}
{{- concat $args (include "celeriac.transportArgs" .root | fromYamlArray) | toYaml -}}
{{- end -}}

{{/*
A pod of `helm test`. It runs in the autoscaler's image, which can call tasks too and is on some node already. Given root, name, args (of the
container, a list), env (a map) and command.
*/}}
{{- define "celeriac.test.pod" -}}
{{- $env := dict -}}
{{- include "celeriac.connectionEnv" (dict "root" .root "into" $env) -}}
{{- $_ := mustMergeOverwrite $env (.env | default dict) -}}
{{- $autoscaler := .root.Values.autoscaler -}}
{{- $hook := dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" (.root.Values.tests.keepPods | ternary "before-hook-creation" "before-hook-creation,hook-succeeded") "helm.sh/hook-output-log-policy" "hook-succeeded,hook-failed" "helm.sh/hook-weight" (.weight | toString) -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "celeriac.metadata" (dict "root" .root "name" .name "component" "test" "annotations" $hook) | nindent 2 }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  activeDeadlineSeconds: {{ int64 .root.Values.tests.timeoutSeconds }}
  terminationGracePeriodSeconds: 5
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $autoscaler.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: test
      image: {{ include "celeriac.image" (dict "root" .root "image" $autoscaler.image) }}
      imagePullPolicy: {{ $autoscaler.image.pullPolicy }}
      terminationMessagePolicy: FallbackToLogsOnError
      {{- with .command }}
      command:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      args:
        {{- toYaml .args | nindent 8 }}
      env:
        {{- include "celeriac.env" $env | trim | nindent 8 }}
      {{- with .root.Values.tests.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $autoscaler.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        {{- include "celeriac.volumeMounts" (dict "root" .root) | trim | nindent 8 }}
  volumes:
    {{- include "celeriac.volumes" (dict "root" .root) | trim | nindent 4 }}
{{- with (pick $autoscaler "nodeSelector" "tolerations") }}
{{- with include "celeriac.scheduling" (dict "spec" . "selector" "") | trim }}
  {{- . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
