"""The addresses are ours."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from bench.baseline_django.views import Sessions

router = SimpleRouter()
router.register("sessions", Sessions)
urlpatterns = [path("api/", include(router.urls))]
