#include "istio-watcher/deltas/growth.h"
