{{/*
pools.yaml, as `celeriac autoscale -f` reads it. Pools that KEDA scales are decided on and not written to (dry-run, which is what /api/keda asks
for); those that nobody scales are only watched (off).
*/}}
{{- define "celeriac.poolsFile" -}}
{{- $pools := dict -}}
{{- include "celeriac.pools" (dict "root" . "into" $pools) -}}
broker:
  urlFile: /run/secrets/celeriac/broker/url
  {{- with .Values.broker.transportOptions }}
  transportOptions:
    {{- toYaml . | nindent 4 }}
  {{- end }}
lease:
  name: {{ include "celeriac.autoscaler.name" . }}
  {{- with .Values.autoscaler.lease }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.budgets }}
budgets:
  {{- toYaml . | nindent 2 }}
{{- end }}
pools:
  {{- range $name, $pool := $pools }}
  {{- $scaling := omit ($pool.scaling | default dict) "by" }}
  {{- $target := deepCopy ($pool.target | default dict) }}
  {{- $_ := set $target "name" $pool.objectName }}
  {{- if ne $pool.objectNamespace $.Release.Namespace }}{{- $_ := set $target "namespace" $pool.objectNamespace }}{{- end }}
  {{- if eq $pool.by "keda" }}
  {{- $_ := set $scaling "mode" "dry-run" }}
  {{- $_ = set $target "otherWriters" "ignore" }}
  {{- $_ = set $target "protectBusy" true }}
  {{- else if eq $pool.by "none" }}
  {{- $_ := set $scaling "mode" "off" }}
  {{- end }}
  {{ $name | quote }}:
    queues:
      {{- toYaml $pool.queues | nindent 6 }}
    {{- with $pool.concurrency }}
    slotsPerReplica: {{ int64 . }}
    {{- end }}
    {{- with $pool.size }}
    size:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $pool.budget }}
    budget:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    scaling:
      {{- toYaml $scaling | nindent 6 }}
    target:
      deployment:
        {{- toYaml $target | nindent 8 }}
  {{- end }}
{{- end -}}
