{{/* The chart's name, in labels. */}}
{{- define "celeriac.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The first part of every name: at most 45 characters, so that `<fullname>-autoscaler-leader` may be a Service. */}}
{{- define "celeriac.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains (default .Chart.Name .Values.nameOverride) .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "celeriac.autoscaler.name" -}}
{{- printf "%s-autoscaler" (include "celeriac.fullname" .) -}}
{{- end -}}

{{- define "celeriac.autoscaler.serviceAccount" -}}
{{- $account := .Values.autoscaler.serviceAccount -}}
{{- $account.name | default ($account.create | ternary (include "celeriac.autoscaler.name" .) "default") -}}
{{- end -}}

{{/* What selects the pods of a component, as YAML. Given root, component and, for workers, pool. */}}
{{- define "celeriac.selector" -}}
app.kubernetes.io/name: {{ include "celeriac.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- with .pool }}
celeriac.dev/pool: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Labels of pods: no version of the chart, so that an upgrade which leaves a pool alone does not replace its pods. Given also extra. */}}
{{- define "celeriac.podLabels" -}}
{{- $labels := fromYaml (include "celeriac.selector" .) -}}
{{- $_ := set $labels "app.kubernetes.io/part-of" (include "celeriac.name" .root) -}}
{{- toYaml (mustMergeOverwrite (dict) (.extra | default dict) (.root.Values.commonLabels | default dict) $labels) -}}
{{- end -}}

{{/* Labels of objects. Given root, component, pool and extra. */}}
{{- define "celeriac.labels" -}}
{{- $chart := printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $labels := fromYaml (include "celeriac.podLabels" .) -}}
{{- $_ := set $labels "helm.sh/chart" $chart -}}
{{- $_ = set $labels "app.kubernetes.io/version" .root.Chart.AppVersion -}}
{{- $_ = set $labels "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- toYaml $labels -}}
{{- end -}}

{{/* `metadata` of an object. Given root, name, component and, optional, namespace, pool, labels, annotations. */}}
{{- define "celeriac.metadata" -}}
name: {{ .name | quote }}
namespace: {{ .namespace | default .root.Release.Namespace | quote }}
labels:
  {{- include "celeriac.labels" (dict "root" .root "component" .component "pool" .pool "extra" .labels) | nindent 2 }}
{{- with mustMergeOverwrite (dict) (.root.Values.commonAnnotations | default dict) (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* An image's reference. Given root and image. */}}
{{- define "celeriac.image" -}}
{{- $registry := .image.registry | default .root.Values.image.registry -}}
{{- with $registry }}{{ . | trimSuffix "/" }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest -}}@{{ .image.digest }}{{- else -}}:{{ .image.tag | default .root.Chart.AppVersion | toString }}{{- end -}}
{{- end -}}
